"""Asking Webex whether an address would work, before a mail goes out."""

from __future__ import annotations

from typing import Any

from accounts.secrets import Unsealable
from common import clock
from common.http import Timeout
from provisioning import codes
from provisioning.activation.admission import Admission, PortalRefused
from provisioning.backend.client import client_for
from provisioning.models import Activation
from webex.errors import Conflict, Forbidden, NotFound, Refused, WebexError
from webex.payloads import PrecheckRequest

#: Somebody waits at the page meanwhile, and one of the web's few threads with him.
PATIENCE = Timeout(connect=3.0, total=8.0)


def precheck(run: Activation, admission: Admission, address: str) -> None:
    """Return when Webex would take the address for this user.

    A consumer account's address passes; its owner is asked for consent later.

    Raises:
        PortalRefused: Webex's code; PH-REFUSED when it gave none; WEBEX_AWAY when there is no
            answer, which is nobody's fault and worth another try.
    """
    connection = run.template.partner.connection
    if connection.not_before and connection.not_before > clock.now():
        raise PortalRefused(codes.WEBEX_AWAY, connection.gate_reason)
    try:
        verdict = client_for(connection, PATIENCE).precheck(_request(run, admission, address))
    except (Refused, Conflict, NotFound, Forbidden) as error:
        code = error.code or codes.REFUSED
        raise PortalRefused(code, error.text, tracking_id=error.tracking_id or "") from error
    except (WebexError, Unsealable) as error:
        raise PortalRefused(codes.WEBEX_AWAY, "the pre-check was not answered") from error
    if not verdict.ok:
        code = verdict.code or codes.REFUSED
        raise PortalRefused(code, verdict.text, tracking_id=verdict.tracking_id or "")


def _request(run: Activation, admission: Admission, address: str) -> PrecheckRequest:
    params = provision_params(run, admission)
    return PrecheckRequest(
        email=address,
        provisioning_id=run.template.provisioning_id,
        user_id=run.broadworks_id,
        sp_enterprise_id=admission.enterprise_id,
        first_name=params["first_name"],
        last_name=params["last_name"],
        package=params["package"],
        primary_phone=params["primary_phone"],
        mobile_phone=params["mobile_phone"],
        extension=params["extension"],
        language=params["language"],
    )


def provision_params(run: Activation, admission: Admission) -> dict[str, Any]:
    """What the job needs (backend.provision_request): from the row, or from BroadWorks' profile."""
    row, profile = admission.subscriber, run.profile
    told = {
        "webex_id": row.webex_id if row else None,
        "first_name": row.first_name if row else "",
        "last_name": row.last_name if row else "",
        "primary_phone": row.primary_phone if row else "",
        "mobile_phone": row.mobile_phone if row else "",
        "extension": row.extension if row else "",
        "former_email": row.email if row else "",
    }
    known = {
        "first_name": profile.get("first_name", ""),
        "last_name": profile.get("last_name", ""),
        "primary_phone": profile.get("number", ""),
        "mobile_phone": profile.get("mobile", ""),
        "extension": profile.get("extension", ""),
    }
    return (told if row else told | known) | {
        "email": run.email,
        "package": admission.package,
        "language": run.template.language,
    }
