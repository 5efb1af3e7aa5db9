"""One mail on its way: its words, its headers, and what the mail server's answers mean."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from provisioning.models import Activation, Mail

#: Where every user finds the app, whatever the device.
APP_URL = "https://www.webex.com/downloads.html"


class MailRefused(Exception):
    """The mail server refused this address or this mail for good."""


class TryLater(Exception):
    """The mail server did not take the mail this time."""


@dataclass(frozen=True)
class Secrets:
    """What proves that the reader of the mail has the address; never stored, never logged."""

    token: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


def send(mail: Mail, secrets: Secrets | None) -> None:
    """Hand the mail to the mail server.

    Raises:
        MailRefused: sending it again would fail again.
        TryLater: worth another attempt later.
    """
    if not mail.to.isascii():  # Django would write to another mailbox, spelt in ASCII
        raise MailRefused("the mail server cannot write to this address")
    try:
        message(mail, secrets).send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise _verdict(min(codes, default=450)) from None
    except smtplib.SMTPDataError as error:
        raise _verdict(error.smtp_code) from None
    except (smtplib.SMTPNotSupportedError, UnicodeError, ValueError) as error:
        raise MailRefused("the mail server cannot write to this address") from error
    except (smtplib.SMTPException, OSError) as error:
        raise TryLater(f"the mail server did not take it ({type(error).__name__})") from error


def _verdict(code: int) -> MailRefused | TryLater:
    """5xx is for good, 4xx for now (RFC 5321, 4.2.1)."""
    if code >= 500:
        return MailRefused(f"the mail server refused it ({code})")
    return TryLater(f"the mail server wants to be asked again ({code})")


def message(mail: Mail, secrets: Secrets | None) -> EmailMultiAlternatives:
    """The mail as it goes out: text and simple HTML, in the language of the user's pages."""
    run, partner = mail.activation, mail.activation.partner
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    name = one_line(partner.mail_sender_name or partner.name)
    with translation.override(run.language):
        context = _context(run, secrets)
        folder = f"provisioning/mail/{mail.purpose}"
        subject = one_line(render_to_string(f"{folder}_subject.txt", context))
        context["subject"] = subject
        built = EmailMultiAlternatives(
            subject=subject,
            body=render_to_string(f"{folder}.txt", context).strip() + "\n",
            from_email=formataddr((name, sender)),
            to=[mail.to],
            reply_to=[partner.mail_reply_to] if partner.mail_reply_to else None,
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
        "email": run.email,
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
