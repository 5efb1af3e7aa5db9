"""A log line for each sign-in, each refused one and each sign-out (S23); names are hashed."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

from django.contrib.auth import signals

logger = logging.getLogger(__name__)


def connect() -> None:
    """Listen to Django's signals of its sign-in machinery."""
    signals.user_logged_in.connect(_signed_in, dispatch_uid="sign_in_log")
    signals.user_login_failed.connect(_refused, dispatch_uid="sign_in_log")
    signals.user_logged_out.connect(_signed_out, dispatch_uid="sign_in_log")


def hashed(name: str) -> str:
    """A name as logs may hold it: enough to count by, nothing to read."""
    return hashlib.sha256(name.strip().lower().encode(errors="replace")).hexdigest()[:16]


def _signed_in(*, user: Any, **_: Any) -> None:
    logger.info("signed in", extra={"user_id_hash": hashed(user.email)})


def _refused(*, credentials: dict[str, Any], **_: Any) -> None:
    name = str(credentials.get("email") or credentials.get("username") or "")
    logger.info("sign-in refused", extra={"user_id_hash": hashed(name)})


def _signed_out(*, user: Any, **_: Any) -> None:
    if user is not None:
        logger.info("signed out", extra={"user_id_hash": hashed(user.email)})
