"""One mail on its way: its words, its headers, and what the mail server's answers mean."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from common.addresses import shown
from provisioning.activation.smtp import SmtpBackend
from provisioning.models import Activation, Mail

#: Where every user finds the app, whatever the device.
APP_URL = "https://www.webex.com/downloads.html"


class MailRefused(Exception):
    """The mail server refused this address or this mail for good."""


class TryLater(Exception):
    """The mail server certainly did not take the mail this time."""


class Unclear(Exception):
    """The mail server may have taken the mail: the line broke while it was handed over."""


@dataclass(frozen=True)
class Secrets:
    """What proves that the reader of the mail has the address; never stored, never logged."""

    token: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


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
    except (smtplib.SMTPNotSupportedError, UnicodeError, ValueError) as error:
        raise MailRefused("the mail server cannot write to this address") from error
    except (smtplib.SMTPException, OSError) as error:
        raise _verdict(error, is_begun=begun.was_called) from None
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


def message(mail: Mail, run: Activation, secrets: Secrets | None) -> EmailMultiAlternatives:
    """A run's mail as it goes out, in the language of the user's pages."""
    with translation.override(run.language):
        return compose(mail, mail.purpose, _context(run, secrets))


def compose(mail: Mail, name: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    """Text and simple HTML of the templates of this name, in the language that is active."""
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    folder = f"provisioning/mail/{name}"
    subject = one_line(render_to_string(f"{folder}_subject.txt", context))
    context = context | {"subject": subject}
    partner = mail.activation.partner if mail.activation else None
    ours = one_line(partner.mail_sender_name or partner.name) if partner else sender[0]
    built = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{folder}.txt", context).strip() + "\n",
        from_email=formataddr((ours, sender[1])),
        to=[mail.to],
        reply_to=[partner.mail_reply_to] if partner and partner.mail_reply_to else None,
        headers=_headers(mail),
    )
    built.attach_alternative(render_to_string(f"{folder}.html", context), "text/html")
    return built


def one_line(text: str) -> str:
    """Text fit for a header: no line breaks, no control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _context(run: Activation, secrets: Secrets | None) -> dict[str, Any]:
    context = {
        "partner": run.partner,
        "first_name": run.profile.get("first_name", ""),
        "email": shown(run.email),
        "app_url": APP_URL,
        "portal_url": run.template.activation_link,
    }
    if secrets is None:
        return context
    key = run.template.activation_key
    link = reverse("activation_portal:confirm", args=[key, secrets.token])
    return context | {
        "link": f"{settings.PUBLIC_URL}{link}",
        "code": f"{secrets.code[:3]} {secrets.code[3:]}",
        "expires_at": secrets.expires_at,
    }


def _headers(mail: Mail) -> dict[str, str]:
    """Says that a machine wrote it, so that no holiday answer comes back."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return {
        "Message-ID": f"<{mail.uuid}.{mail.attempts}@{host}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
