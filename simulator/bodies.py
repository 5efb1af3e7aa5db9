"""Request bodies: JSON, mandatory members, types, sizes."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from django.http import HttpRequest

from simulator.errors import ApiError, ErrorBody, cisco, ours, refuse

Body = dict[str, Any]
PACKAGES = ("softphone", "basic", "standard", "premium")
#: Columns of a subscriber by the names that requests use.
COLUMNS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "primaryPhoneNumber": "primary_phone",
    "mobilePhoneNumber": "mobile_phone",
    "extension": "extension",
    "timezone": "timezone",
    "package": "package",
}
TEXTS = (*COLUMNS, "provisioningId", "userId", "spEnterpriseId", "email", "language")
USER_ID_SIZE = 161  # BroadWorks: a user ID has 1 to 161 characters
TEXT_SIZE = 256
LARGEST_BODY = 1024 * 1024
SURROGATE = re.compile("[\ud800-\udfff]")
EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+\.[^@\s.<>,;:\"()\[\]\\]+")


def read(request: HttpRequest) -> Body:
    """Return the JSON object of a request; raises ApiError 415, 413 or 400.

    Texts come stripped; null counts as missing, as error 1001 ("Null Parameter") implies. Of a
    member that stands there twice the last one counts.
    """
    if request.content_type != "application/json":
        raise ApiError(415)
    if len(request.body) > LARGEST_BODY:
        raise refuse(413, f"The request body is larger than {LARGEST_BODY} bytes.")
    try:
        body = json.loads(request.body, parse_constant=_no_number)
    except (ValueError, RecursionError):  # the latter: nested beyond all measure
        raise refuse(400, "The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise refuse(400, "The request body is not a JSON object.")
    cleaned = {name: value for name, value in body.items() if value is not None}
    for name in TEXTS:
        if name in cleaned:
            cleaned[name] = _text(name, cleaned[name])
    return cleaned


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")  # Python reads NaN and Infinity, RFC 8259 has neither


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise refuse(400, f"{name} must be a string.")
    # PostgreSQL stores no NUL, and half of a surrogate pair is no text.
    if "\x00" in value or (not value.isascii() and SURROGATE.search(value)):
        raise refuse(400, f"{name} contains a character that is not allowed.")
    return value.strip() if len(value) <= size_of(name) else value  # `check` judges what was sent


def size_of(name: str) -> int:
    """Return how many characters a text may have."""
    return USER_ID_SIZE if name == "userId" else TEXT_SIZE


def require(body: Body, *names: str) -> None:
    """Raise ApiError 400 with one error 1001 for each missing member, in the order asked."""
    missing = [name for name in names if not body.get(name)]
    if missing:
        raise ApiError(400, [_null_parameter(name) for name in missing])


def _null_parameter(name: str) -> ErrorBody:
    text = f"Null Parameter: the mandatory parameter {name} is missing."
    return cisco(1001, text) | {"fieldName": name}


def check(body: Body) -> None:
    """Judge sizes, package and e-mail address; raises ApiError 400 with all that is wrong."""
    errors: list[ErrorBody] = []
    for name in TEXTS:
        limit = size_of(name)
        if len(body.get(name, "")) > limit:
            text = f"Invalid Parameter Size: {name} is longer than {limit} characters."
            errors.append(cisco(1002, text) | {"fieldName": name})
    if "package" in body and body["package"] not in PACKAGES:
        errors.append(ours(f"Invalid package. Allowed: {', '.join(PACKAGES)}."))
    if body.get("email") and not EMAIL.fullmatch(body["email"]):
        errors.append(ours("Invalid email: this is not an email address."))
    if errors:
        raise ApiError(400, errors)
