"""Django's SMTP backend with one time limit for the whole conversation, and a name of ours.

Each step of SMTP may take EMAIL_TIMEOUT, and there are ten of them: without a limit for all, a slow
server keeps its mail longer than the lease and the task that sends it may live.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend

#: Seconds for one conversation, from the connection to the goodbye; less than the lease.
TOTAL_SECONDS = 30.0
#: Seconds between two looks whether a conversation that is over has really ended.
_AGAIN = 0.2


class SmtpBackend(EmailBackend):
    """Sends by SMTP within TOTAL_SECONDS, greeting as EMAIL_EHLO_NAME where that is set."""

    @property
    def connection_class(self) -> Callable[..., smtplib.SMTP]:  # type: ignore[override]
        """What Django makes its connection of."""
        kind: type[smtplib.SMTP] = _BoundedTls if self.use_ssl else _Bounded
        named = {"local_hostname": settings.EMAIL_EHLO_NAME} if settings.EMAIL_EHLO_NAME else {}

        def make(*places: Any, **options: Any) -> smtplib.SMTP:
            return kind(*places, **{**options, **named})

        return make


class _Bounded(smtplib.SMTP):
    """A conversation that is cut off when its time is over, wherever it stands."""

    def __init__(self, *places: Any, **options: Any) -> None:
        self._ended = threading.Event()
        threading.Thread(target=self._cut_in_time, daemon=True).start()
        try:
            super().__init__(*places, **options)
        except BaseException:
            self._ended.set()
            raise

    def _cut_in_time(self) -> None:
        wait = TOTAL_SECONDS
        while not self._ended.wait(wait):  # again and again: TLS changes the socket
            wait = _AGAIN
            if self.sock:
                with contextlib.suppress(OSError):
                    self.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it; smtplib calls this after every end."""
        self._ended.set()
        super().close()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass
