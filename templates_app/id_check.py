"""Asking Webex whether it knows a provisioning ID. HTTP: never call it inside a transaction."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from accounts import secrets
from accounts.models import BackendConnection
from common import clock, throttle
from common.http import Timeout
from templates_app.models import IdCheck
from webex.client import WebexClient
from webex.errors import Forbidden, Throttled, TokenRefused, WebexError

logger = logging.getLogger(__name__)

#: A person waits for the answer: shorter than the engine's own limits (seconds).
TIMEOUT = Timeout(connect=2.0, total=6.0)
#: Questions of one partner, so that a button cannot use up the engine's allowance.
QUESTION_LIMIT = throttle.Limit(20, 60)


class Trouble(StrEnum):
    """Why the question got no answer."""

    NONE = ""
    UNREACHABLE = "unreachable"
    TOKEN = "token"  # noqa: S105 -- the name of a reason
    LATER = "later"


@dataclass(frozen=True)
class IdAnswer:
    """What Webex said of a provisioning ID; `trouble` says why it said nothing."""

    check: IdCheck
    trouble: Trouble = Trouble.NONE


def ask(connection: BackendConnection, provisioning_id: str) -> IdAnswer:
    """Ask `GET /broadworks/subscribers?provisioningId=…&max=1`: 200 knows it, 4xx does not.

    While the connection's gate is closed (429, outage) nothing is sent.
    """
    held = connection.not_before and connection.not_before > clock.now()
    if held or not throttle.take("id-check", str(connection.pk), limit=QUESTION_LIMIT):
        return IdAnswer(IdCheck.UNCHECKED, Trouble.LATER)
    try:
        known = _client(connection).knows_provisioning_id(provisioning_id)
    except Forbidden:
        # Webex answers 403 for an ID of another partner's: to this one it is as good as unknown.
        return IdAnswer(IdCheck.UNKNOWN)
    except (secrets.Unsealable, TokenRefused):
        return IdAnswer(IdCheck.UNCHECKED, Trouble.TOKEN)
    except Throttled:
        return IdAnswer(IdCheck.UNCHECKED, Trouble.LATER)
    except WebexError as error:
        logger.info("provisioning id not checked", extra={"reason": error.reason})
        return IdAnswer(IdCheck.UNCHECKED, Trouble.UNREACHABLE)
    return IdAnswer(IdCheck.KNOWN if known else IdCheck.UNKNOWN)


def _client(connection: BackendConnection) -> WebexClient:
    return WebexClient(
        connection.api_base_url,
        connection.token,
        timeout=TIMEOUT,
        trusted_hosts=settings.BACKEND_HOSTS,
    )
