"""What goes over the wire, both ways, as plain frozen records.

Reading is forgiving: the published contract contradicts its own examples, so both forms are
read, unknown fields ignored and unknown values kept. Writing is exact: the bytes whose hash an
intent recorded are the bytes that are sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypedDict

from webex.errors import code_of
from webex.text import clean, moment

#: Characters kept of each text. Webex publishes no limits; an identifier longer than its limit
#: would be another identifier when cut, so such a record is refused instead.
LIMITS = {
    "id": 300,
    "person_id": 300,
    "user_id": 200,
    "sp_enterprise_id": 200,
    "provisioning_id": 512,
    "first_name": 200,
    "last_name": 200,
    "email": 320,
    "primary_phone": 60,
    "mobile_phone": 60,
    "extension": 40,
    "package": 40,
    "status": 60,
    "error_text": 4000,
    "error_code": 40,
}
_MAX_ERRORS = 50


class NotASubscriber(ValueError):
    """An object that lacks what every subscriber has: id, userId and status."""


@dataclass(frozen=True, slots=True)
class RemoteError:
    """One entry of a subscriber's `errors[]`: the last provisioning attempt's background errors."""

    code: str | None
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class RemoteSubscriber:
    """A subscriber as Webex shows it. Texts are "" when absent; times are UTC.

    `status` and `package` are Webex's words, also such as we don't know. `person_id` is present
    only while provisioned.
    """

    id: str
    user_id: str
    status: str
    person_id: str = ""
    sp_enterprise_id: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    primary_phone: str = ""
    mobile_phone: str = ""
    extension: str = ""
    package: str = ""
    errors: tuple[RemoteError, ...] = ()
    created: datetime | None = None
    last_status_change: datetime | None = None
    provisioning_id: str = ""
    self_activated: bool = False

    def __repr__(self) -> str:
        # No names, numbers or addresses: a repr ends up in logs.
        return f"<RemoteSubscriber {self.id} {self.status}>"

    @classmethod
    def from_json(cls, data: object) -> RemoteSubscriber:
        """Read one subscriber; raises NotASubscriber when it isn't one."""
        if not isinstance(data, dict):
            raise NotASubscriber
        identifiers = {name: _identifier(data, name) for name in ("id", "user_id", "status")}
        texts = {name: clean(data.get(key), LIMITS[name]) for name, key in _TEXTS.items()}
        return cls(
            **identifiers,
            **texts,
            errors=_errors(data.get("errors")),
            created=moment(data.get("created")),
            last_status_change=moment(data.get("lastStatusChange")),
            # Boolean in the contract's schema, the text "false" in its every example.
            self_activated=str(data.get("selfActivated")).strip().lower() == "true",
        )


_TEXTS = {
    "person_id": "personId",
    "sp_enterprise_id": "spEnterpriseId",
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "primary_phone": "primaryPhoneNumber",
    "mobile_phone": "mobilePhoneNumber",
    "extension": "extension",
    "package": "package",
    "provisioning_id": "provisioningId",
}
_IDENTIFIERS = {"id": "id", "user_id": "userId", "status": "status"}


def _identifier(data: Mapping[str, object], name: str) -> str:
    value = data.get(_IDENTIFIERS[name])
    text = clean(value, LIMITS[name] + 1) if isinstance(value, str) else ""
    if not text or len(text) > LIMITS[name]:
        raise NotASubscriber
    return text


def _errors(value: object) -> tuple[RemoteError, ...]:
    entries = value if isinstance(value, list) else [value]
    found = (
        RemoteError(code_of(entry), clean(entry.get("description"), LIMITS["error_text"]))
        for entry in entries[:_MAX_ERRORS]
        if isinstance(entry, dict)
    )
    return tuple(error for error in found if error.code or error.text)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing; `number` counts from 1.

    `skipped` counts entries that weren't subscribers: while it isn't 0, absence from the listing
    proves nothing.
    """

    number: int
    subscribers: tuple[RemoteSubscriber, ...]
    skipped: int = 0


_REQUEST_KEYS = {
    "provisioning_id": "provisioningId",
    "user_id": "userId",
    "sp_enterprise_id": "spEnterpriseId",
    "first_name": "firstName",
    "last_name": "lastName",
    "package": "package",
    "email": "email",
    "primary_phone": "primaryPhoneNumber",
    "mobile_phone": "mobilePhoneNumber",
    "extension": "extension",
    "language": "language",
    "timezone": "timezone",
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ProvisionRequest:
    """The body of POST /broadworks/subscribers; empty fields aren't sent.

    `package` is softphone, basic, standard or premium; `language` as `da` or `da_DK`;
    `timezone` as `Europe/Copenhagen`. Without `email` an untrusted template waits for one.
    """

    provisioning_id: str
    user_id: str
    sp_enterprise_id: str
    first_name: str
    last_name: str
    package: str
    email: str = ""
    primary_phone: str = ""
    mobile_phone: str = ""
    extension: str = ""
    language: str = ""
    timezone: str = ""

    def to_json(self) -> dict[str, object]:
        return _filled(self)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PrecheckRequest:
    """The body of POST /broadworks/subscribers/validate; only `email` is required.

    `customer_email` is the customer's primary address, for an organisation that doesn't exist yet.
    """

    email: str
    provisioning_id: str = ""
    user_id: str = ""
    sp_enterprise_id: str = ""
    first_name: str = ""
    last_name: str = ""
    package: str = ""
    primary_phone: str = ""
    mobile_phone: str = ""
    extension: str = ""
    language: str = ""
    timezone: str = ""
    customer_email: str = ""

    def to_json(self) -> dict[str, object]:
        body = _filled(self)
        if self.customer_email:
            body["customerInfo"] = {"primaryEmail": self.customer_email}
        return body


def _filled(record: ProvisionRequest | PrecheckRequest) -> dict[str, object]:
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {key: values[name] for name, key in _REQUEST_KEYS.items() if values.get(name)}


class Changes(TypedDict, total=False):
    """What PUT /broadworks/subscribers/{id} can change: not the email address.

    An empty mobilePhoneNumber or extension removes it; a primary number or an extension must
    stay (contract).
    """

    userId: str
    firstName: str
    lastName: str
    primaryPhoneNumber: str
    mobilePhoneNumber: str
    extension: str
    timezone: str
    package: str


@dataclass(frozen=True, slots=True)
class PrecheckVerdict:
    """Webex's judgement of a would-be subscriber.

    `infos` are (code, text) pairs of an `ok` answer; `code` and `text` say why it isn't ok.
    """

    ok: bool
    infos: tuple[RemoteError, ...] = ()
    code: str | None = None
    text: str = ""
    tracking_id: str | None = None


def infos_of(value: object) -> tuple[RemoteError, ...]:
    """Read a precheck's `info`: an object in the contract's schema, a list in its example."""
    entries = value if isinstance(value, list) else [value]
    return tuple(
        RemoteError(
            code_of({"errorCode": entry.get("infoCode")}),
            clean(entry.get("description"), LIMITS["error_text"]),
        )
        for entry in entries[:_MAX_ERRORS]
        if isinstance(entry, dict)
    )


def body_bytes(body: Mapping[str, object] | None) -> bytes:
    """Return the one form in which a body is sent: sorted keys, no spaces, ASCII."""
    if body is None:
        return b""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def body_hash(body: Mapping[str, object] | None) -> str:
    """Return the SHA-256 (hex) of exactly the bytes that the client sends for this body.

    `body` is what `to_json()` returned, the changes of an update, or None for a call without a
    body (remove, consent mail).
    """
    return hashlib.sha256(body_bytes(body)).hexdigest()
