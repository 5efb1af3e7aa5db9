"""The one builder of our mails: words, headers and form, as mail programs and filters want them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import punycode

from accounts.models import Partner
from common.addresses import shown
from common.text import greeting_name, one_line
from provisioning.models import Activation, Mail

#: Where every user finds the app, whatever the device.
APP_URL = "https://www.webex.com/downloads.html"


@dataclass(frozen=True)
class Secrets:
    """What proves that the reader of the mail has the address; never stored, never logged."""

    token: str = field(repr=False)
    code: str = field(repr=False)
    expires_at: datetime


def message(mail: Mail, run: Activation, secrets: Secrets | None) -> EmailMultiAlternatives:
    """A run's mail as it goes out, in the language of the user's pages."""
    with translation.override(run.language):
        return compose(mail, mail.purpose, _context(run, secrets))


def compose(mail: Mail, name: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    """Text and simple HTML of the templates of this name, in the language that is active.

    Both parts are quoted-printable: bytes above 127 would be rewritten by servers without 8BITMIME,
    and DKIM's signature with them (RFC 6376, 5.3), and lines may be 998 long at most (RFC 5322).
    """
    folder = f"provisioning/mail/{name}"
    subject = one_line(render_to_string(f"{folder}_subject.txt", context))
    context = context | {"subject": subject}
    partner = mail.activation.partner if mail.activation else None
    built = EmailMultiAlternatives(
        subject=subject,
        body=render_to_string(f"{folder}.txt", context).strip() + "\n",
        from_email=_sender(partner),
        to=[mail.to],
        reply_to=[partner.mail_reply_to] if partner and partner.mail_reply_to else None,
        headers=_headers(mail),
    )
    built.encoding = _QUOTED_PRINTABLE
    built.attach_alternative(render_to_string(f"{folder}.html", context), "text/html")
    return built


def _quoted_printable() -> Charset:
    made = Charset("utf-8")
    made.body_encoding = QP
    return made


#: Characters: 76 in a line, without "From: ".
_WORD = 68
_QUOTED_PRINTABLE = _quoted_printable()


def _sender(partner: Partner | None) -> str:
    """The partner's name, or ours, before our address."""
    ours, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    name = one_line(partner.mail_sender_name or partner.name) if partner else ours
    if name.isascii():
        return str(Address(name, addr_spec=address)) if name else address
    return f"{_encoded_words(name)} <{address}>"


def _encoded_words(name: str) -> str:
    """A name in encoded words of a length that fits its line (RFC 2047, 2); Django folds between
    them, and would by itself make them too long.
    """
    return Header(name, "utf-8", maxlinelen=_WORD).encode().replace("\n", "")


def _context(run: Activation, secrets: Secrets | None) -> dict[str, Any]:
    context = {
        "partner": run.partner,
        "first_name": greeting_name(run.profile.get("first_name", "")),
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
    """Says that a machine wrote it (RFC 3834), so that no holiday answer comes back.

    The Message-ID is of the sender's domain, as filters expect.
    """
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return {
        "Message-ID": f"<{mail.uuid}.{mail.attempts}@{punycode(domain)}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
