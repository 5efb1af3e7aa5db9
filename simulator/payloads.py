"""Rows as the published document shows them, and the opaque identifiers in both directions."""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse

from simulator.auth import AccountSettings
from simulator.db import Row


def encode_id(kind: str, uid: uuid.UUID) -> str:
    """Return the public form of an identifier, as in the document's examples."""
    text = f"ciscospark://us/{kind}/{uid}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_id(kind: str, public: str) -> uuid.UUID | None:
    """Return the UUID inside a public identifier, or None for anything else."""
    try:
        padded = public + "=" * (-len(public) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        prefix, _, uid = text.rpartition("/")
        return uuid.UUID(uid) if prefix == f"ciscospark://us/{kind}" else None
    except (binascii.Error, UnicodeError, ValueError):
        return None


def isoformat(value: datetime) -> str:
    """A time as in the document's examples: UTC with milliseconds and Z."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


# PostgreSQL writes the answers: a page of a hundred costs Python a hundred strings to join.
# PostgreSQL's base64 is broken into lines and has the alphabet that isn't safe in addresses.
_PUBLIC_ID = (
    "translate(rtrim(encode(convert_to('ciscospark://us/{kind}/' || {column}, 'UTF8'), 'base64'),"
    " '='), E'+/\\n', '-_')"
)
_TIME = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
_SUBSCRIBER_ID = _PUBLIC_ID.format(kind="SUBSCRIBER", column="s.uid")
_PERSON_ID = _PUBLIC_ID.format(kind="PEOPLE", column="s.person_uid")
# personId only when provisioned (published document); what is empty is left out.
_SUBSCRIBER = f"""
    json_strip_nulls(json_build_object(
        'id', {_SUBSCRIBER_ID},
        'personId', CASE WHEN s.status = 'provisioned' THEN {_PERSON_ID} END,
        'userId', s.user_id,
        'spEnterpriseId', s.sp_enterprise_id,
        'firstName', nullif(s.first_name, ''),
        'lastName', nullif(s.last_name, ''),
        'email', nullif(s.email, ''),
        'primaryPhoneNumber', nullif(s.primary_phone, ''),
        'mobilePhoneNumber', nullif(s.mobile_phone, ''),
        'extension', nullif(s.extension, ''),
        'package', s.package,
        'status', s.status,
        'errors', nullif(s.errors, '[]'),
        'created', {_TIME.format(column="s.created")},
        'lastStatusChange', {_TIME.format(column="s.last_status_change")},
        'provisioningId', s.provisioning_id,
        'selfActivated', {{self_activated}}
    ))::text AS payload
"""
_SCHEMA = _SUBSCRIBER.format(self_activated="s.self_activated")
_EXAMPLES = _SUBSCRIBER.format(self_activated="s.self_activated::text")


def subscriber(settings: AccountSettings) -> str:
    """Return the SQL column `payload`: the answer of a subscriber of the table called `s`."""
    return _EXAMPLES if settings.answers == "examples" else _SCHEMA


def as_json(text: str) -> HttpResponse:
    """Return an answer whose text is JSON already."""
    return HttpResponse(text, content_type="application/json")


def precheck_success(settings: AccountSettings) -> dict[str, Any]:
    """Return the answer of a passed precheck; `info` is typed object, its example is a list."""
    info = {"infoCode": 100, "description": "Provisioning preCheck validation successful."}
    return {"message": "success", "info": [info] if settings.answers == "examples" else info}


def enterprise(row: Row) -> dict[str, Any]:
    """Return a customer as `GET /broadworks/enterprises` lists it."""
    return {
        "id": encode_id("ENTERPRISE", row["uid"]),
        "orgId": encode_id("ORGANIZATION", row["org_uid"]),
        "spEnterpriseId": row["sp_enterprise_id"],
        "provisioningId": row["provisioning_id"],
        "broadworksDirectorySync": {"enableDirSync": False},
    }
