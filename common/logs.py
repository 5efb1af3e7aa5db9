"""Logs as JSON lines with an allow-list of fields: what is not named here is not logged (S23)."""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog

#: Fields that `extra=` may carry. Never add an address, a name, a token or a password.
ALLOWED = frozenset(
    [
        "request_id",
        "reason",
        "status",
        "method",
        "path",
        "seconds",
        "job_id",
        "job_kind",
        "job_state",
        "batch_id",
        "attempt",
        "connection_id",
        "partner_id",
        "template_id",
        "subscriber_id",
        "export_id",
        "activation_id",
        "error_code",
        "http_status",
        "tracking_id",
        "rows",
        "pages",
        "outcome",
        "throttle",
        "task",
        "user_id_hash",
    ]
)
_ADDRESS = re.compile(r"([A-Za-z0-9._%+-])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+)")
#: Addresses that hold a token: of the confirmation mail, of a new password.
_TOKEN = re.compile(r"(/confirm/|/password/reset/key/)[^/\s\"]+")
_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message"}


class ScrubFilter(logging.Filter):
    """Drops fields that are not allowed and masks addresses in the message."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name in set(record.__dict__) - _STANDARD - ALLOWED:
            if not name.startswith("_"):
                delattr(record, name)
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line, UTC, control characters escaped by JSON itself."""

    def __init__(self) -> None:
        super().__init__()
        self._render = structlog.processors.JSONRenderer(ensure_ascii=False)

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "at": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": mask(record.getMessage()),
        }
        event |= structlog.contextvars.get_contextvars()
        event |= {
            k: mask(v) if isinstance(v, str) else v
            for k, v in record.__dict__.items()
            if k in ALLOWED
        }
        if record.exc_info:
            event["trace"] = mask(self.formatException(record.exc_info))
        return str(self._render(None, "", event))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        from datetime import UTC, datetime

        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def mask(text: str) -> str:
    """E-mail addresses and BroadWorks IDs as ``f***@host``; no tokens of mailed links."""
    return _TOKEN.sub(r"\1***", _ADDRESS.sub(r"\1***@\2", text))


def config(*, level: str) -> dict[str, Any]:
    """Django's LOGGING: JSON lines on standard output, from `level` on (a name of `logging`)."""
    stdout = {"class": "logging.StreamHandler", "formatter": "json", "filters": ["scrub"]}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "common.logs.JsonFormatter"}},
        "filters": {"scrub": {"()": "common.logs.ScrubFilter"}},
        "handlers": {"stdout": stdout},
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {
            "urllib3": {"level": "ERROR"},
            "django.server": {"handlers": ["stdout"], "propagate": False},
            # Refusals are the product's daily bread, not noise for operators.
            "django.request": {"level": "ERROR"},
            "celery.app.trace": {"level": "WARNING"},
            # At DEBUG it writes whole contexts, mail tokens among them.
            "django.template": {"level": "INFO"},
        },
    }
