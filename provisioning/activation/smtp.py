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


def _nothing() -> None:
    pass


class SmtpBackend(EmailBackend):
    """Sends by SMTP within TOTAL_SECONDS, greeting as EMAIL_EHLO_NAME where that is set.

    `before_data` is called once the server knows the recipient, before it is given the mail.
    """

    before_data: Callable[[], None] = staticmethod(_nothing)

    @property
    def connection_class(self) -> Callable[..., smtplib.SMTP]:  # type: ignore[override]
        """What Django makes its connection of."""
        kind: type[_Bounded] = _BoundedTls if self.use_ssl else _Bounded
        named = {"local_hostname": settings.EMAIL_EHLO_NAME} if settings.EMAIL_EHLO_NAME else {}

        def make(*places: Any, **options: Any) -> smtplib.SMTP:
            made = kind(*places, **{**options, **named})
            made.before_data = self.before_data
            return made

        return make


class _Bounded(smtplib.SMTP):
    """A conversation that is cut off when its time is over, wherever it stands."""

    before_data: Callable[[], None] = staticmethod(_nothing)

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

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand the mail over."""
        self.before_data()
        return super().data(msg)

    def close(self) -> None:
        """End it; smtplib calls this after every end."""
        self._ended.set()
        super().close()


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass
