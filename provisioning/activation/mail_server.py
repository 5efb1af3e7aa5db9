"""The conversation with the mail server, and what its answers mean."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress

from django.core.mail import EmailMultiAlternatives, get_connection

from common.text import one_line
from provisioning.activation.smtp import SmtpBackend


class MailRefused(Exception):
    """The mail server refused this address or this mail for good."""


class TryLater(Exception):
    """The mail server certainly did not take the mail this time."""


class Unclear(Exception):
    """The mail server may have taken the mail: the line broke while it was handed over."""


def send(
    message: EmailMultiAlternatives, begin: Callable[[], None], taken: Callable[[], None]
) -> None:
    """Hand a mail to the mail server.

    `begin` is called before the server is given the mail, `taken` once it has it, before the
    goodbye. What they raise ends it.

    Raises:
        MailRefused: the address is to blame, sending it again would fail again.
        TryLater: worth another attempt later.
        Unclear: it may have been sent; an attempt later could be a second mail.
    """
    if not message.to[0].isascii():  # Django would write to another mailbox, spelt in ASCII
        raise MailRefused("the mail server cannot write to this address")
    server, begun = get_connection(), _Noting(begin)
    try:
        if isinstance(server, SmtpBackend):
            server.before_data = begun
        server.open()
        if not isinstance(server, SmtpBackend):
            begun()
        server.send_messages([message])
        taken()
    except (smtplib.SMTPException, OSError) as error:  # a certificate's error is a ValueError, too
        raise _verdict(error, is_begun=begun.was_called) from None
    except ValueError as error:
        raise MailRefused("the mail server cannot write to this address") from error
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.close()


class _Noting:
    """Calls something, and knows that it did."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.was_called = False

    def __call__(self) -> None:
        self.call()
        self.was_called = True


def _verdict(error: Exception, *, is_begun: bool) -> MailRefused | TryLater | Unclear:
    """Tell whom the server's answer blames; without an answer, whether it may have the mail.

    Only subjects 1 and 2 of an enhanced code speak of the address (RFC 3463: X.1.7 and X.1.8 of the
    sender's, X.2.3 of the mail's size). All else is between our server and theirs: a relay denied,
    a name that HELO may not have, spam.
    """
    code, said = _answer_of(error)
    if code is None and is_begun:
        return Unclear(f"the mail server did not say that it took it ({type(error).__name__})")
    if code is None:
        return TryLater(f"the mail server did not take it ({type(error).__name__})")
    words = one_line(f"the mail server said: {code} {said.decode('utf-8', 'replace')}")
    enhanced = _ENHANCED.match(said)
    if code >= 500 and enhanced and enhanced[1] not in _NOT_OF_THE_ADDRESS:
        return MailRefused(words)
    return TryLater(words)


_ENHANCED = re.compile(rb"\s*5\.([12]\.\d{1,3})\b")
_NOT_OF_THE_ADDRESS = {b"1.7", b"1.8", b"2.3"}


def _answer_of(error: Exception) -> tuple[int | None, bytes]:
    """The server's code and words; no code when it gave no answer."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min(error.recipients.values(), default=(450, b""))
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        said = words if isinstance(words, bytes) else str(words).encode()
        return (error.smtp_code, said) if error.smtp_code > 0 else (None, b"")
    return None, b""
