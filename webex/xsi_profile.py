"""Xsi-Actions answers as records: the profile and the error, in XML or in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from webex.text import clean, code_text

_LIMIT = 512
_MAX_DEPTH = 20


class NotAnAnswer(ValueError):
    """A body that is neither of the two forms."""


@dataclass(frozen=True, slots=True, repr=False)
class XsiProfile:
    """Who signed in, as BroadWorks knows the user. Texts are "" when absent.

    `user_id` is BroadWorks' own spelling, with the domain also when it was left out at sign-in.
    """

    user_id: str
    first_name: str = ""
    last_name: str = ""
    group_id: str = ""
    service_provider: str = ""
    is_enterprise: bool = False
    number: str = ""
    extension: str = ""
    mobile: str = ""
    email: str = ""
    password_expires_days: int | None = None
    country_code: str = ""

    def sp_enterprise_id(self, enterprise_mode: bool) -> str:
        """Return the spEnterpriseId that Webex expects for this user.

        In enterprise mode the enterprise, else `ServiceProvider+Group`, as in `Reseller1+acme`
        of the published contract.
        """
        if enterprise_mode:
            return self.service_provider
        return f"{self.service_provider}+{self.group_id}"


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """BroadWorks' `ErrorInfo`: its code, and whether it speaks of a lock-out."""

    code: str | None = None
    says_locked: bool = False


#: A tree of both forms: name -> value, with attributes as `@name` beside the text under `$`.
type_tree = dict[str, object]


def read_profile(body: bytes) -> XsiProfile:
    """Read a profile; raises NotAnAnswer when the body isn't one."""
    root = _tree(body, "Profile")
    details, more = _branch(root, "details"), _branch(root, "additionalDetails")
    user_id = _text(details, "userId")
    if not user_id:
        raise NotAnAnswer
    return XsiProfile(
        user_id=user_id,
        first_name=_text(details, "firstName"),
        last_name=_text(details, "lastName"),
        group_id=_text(details, "groupId"),
        service_provider=_text(details, "serviceProvider"),
        is_enterprise=_is_enterprise(details),
        number=_text(details, "number"),
        extension=_text(details, "extension"),
        mobile=_text(more, "mobile"),
        email=_text(more, "emailAddress"),
        password_expires_days=_number(_text(root, "passwordExpiresDays")),
        country_code=_text(root, "countryCode"),
    )


def read_error(body: bytes) -> ErrorInfo | None:
    """Read an ErrorInfo; None when the body isn't one (plain text or HTML, often a gateway's)."""
    try:
        root = _tree(body, "ErrorInfo")
    except NotAnAnswer:
        return None
    words = f"{_text(root, 'summaryEnglish')} {_text(root, 'summary')}".lower()
    locked = "locked" in words or "lockout" in words
    return ErrorInfo(code_text(_text(root, "errorCode")), locked)


def _tree(body: bytes, root_name: str) -> type_tree:
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    read: Callable[[bytes], tuple[str, object]] = _from_json if start == b"{" else _from_xml
    name, value = read(body)
    if name != root_name or not isinstance(value, dict):
        raise NotAnAnswer
    return value


def _from_xml(body: bytes) -> tuple[str, object]:
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise NotAnAnswer from None
    return _local(root.tag), _from_element(root, 0)


def _from_element(element: Element, depth: int) -> type_tree:
    tree: type_tree = {"$": element.text or ""}
    tree |= {f"@{_local(name)}": value for name, value in element.attrib.items()}
    if depth < _MAX_DEPTH:
        for child in element:
            tree.setdefault(_local(child.tag), _from_element(child, depth + 1))
    return tree


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _from_json(body: bytes) -> tuple[str, object]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAnAnswer from None
    if not isinstance(data, dict):
        raise NotAnAnswer
    for name in ("Profile", "ErrorInfo"):
        if name in data:
            return name, data[name]
    raise NotAnAnswer


def _branch(tree: type_tree, name: str) -> type_tree:
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def _text(tree: type_tree, name: str) -> str:
    """A leaf's text; JSON wraps leaves as `{"$": "value"}`, some gateways don't."""
    value = tree.get(name)
    return clean(value.get("$") if isinstance(value, dict) else value, _LIMIT)


def _is_enterprise(details: type_tree) -> bool:
    provider = _branch(details, "serviceProvider")
    flag = provider.get("@isEnterprise", provider.get("isEnterprise"))
    return str(flag).strip().lower() == "true"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
