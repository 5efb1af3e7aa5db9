"""Rows as the published document shows them, and the opaque identifiers in both directions."""

from __future__ import annotations

import base64
import binascii
import json
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


def subscriber(shown: str, settings: AccountSettings) -> str:
    """Return a subscriber's answer from its column `shown`.

    The document's schema types `selfActivated` boolean, its examples give it as text. To the
    letter, `created` is when a subscriber was provisioned, times have no certain form, and codes
    are numbers that need not be whole.
    """
    if settings.answers == "schema":
        return shown
    body = json.loads(shown)
    if settings.answers == "examples":
        return json.dumps(body | {"selfActivated": str(body["selfActivated"]).lower()})
    return json.dumps(_to_the_letter(body))


def _to_the_letter(body: dict[str, Any]) -> dict[str, Any]:
    if body["status"] not in {"provisioned", "updating"}:
        del body["created"]
    times = {name: body[name] for name in ("created", "lastStatusChange") if name in body}
    body |= {name: text.removesuffix("Z") + "+00:00" for name, text in times.items()}
    for error in body.get("errors", []):
        if isinstance(error.get("errorCode"), int):
            error["errorCode"] = float(error["errorCode"])
    return body


def as_json(text: str) -> HttpResponse:
    """Return an answer whose text is JSON already."""
    return HttpResponse(text, content_type="application/json")


def precheck_success(settings: AccountSettings) -> dict[str, Any]:
    """Return the answer of a passed precheck; `info` is typed object, its example is a list."""
    code = 100.0 if settings.answers == "letter" else 100
    info = {"infoCode": code, "description": "Provisioning preCheck validation successful."}
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
