"""Mails with a link to set a password, in the same queue as the portal's."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.mail import EmailMultiAlternatives
from django.utils import translation

from accounts import password_links
from accounts.models import User
from common.text import one_line
from provisioning import timing
from provisioning.activation import mail_message, mail_queue
from provisioning.models import Mail
from provisioning.states import MailState

#: How long the queue remembers them.
KEPT = timedelta(days=30)


def queue(address: str, *, language: str) -> None:
    """Queue one, in the caller's transaction; one to the same address that waits is dropped."""
    mails = Mail.objects.filter(purpose=Mail.Purpose.PASSWORD, to=address)
    mails.filter(state=MailState.QUEUED).delete()
    mail = Mail.objects.create(
        purpose=Mail.Purpose.PASSWORD, to=address, language=language, created_at=timing.now()
    )
    mail_queue.hint_after_commit(mail)


def letter(mail: Mail, now: datetime) -> EmailMultiAlternatives | None:
    """The mail with a new link; None when the address is nobody's, or his account is closed."""
    person = password_links.receiver(mail.to)
    if person is None:
        return None
    with translation.override(person.language or mail.language or None):
        return mail_message.compose(
            mail, "password" if person.has_usable_password() else "welcome", _facts(person, now)
        )


def _facts(person: User, now: datetime) -> dict[str, object]:
    return {
        "name": one_line(person.name),
        "partner": person.partner,
        "link": password_links.link(person),
        "expires_at": now + password_links.lifetime(person),
    }


def latest(addresses: list[str]) -> dict[str, Mail]:
    """The newest one to each of these addresses."""
    mails = Mail.objects.filter(purpose=Mail.Purpose.PASSWORD, to__in=addresses)
    return {mail.to: mail for mail in mails.order_by("created_at")}


def forget_old(now: datetime) -> None:
    """Delete those that nobody will ask about."""
    Mail.objects.filter(purpose=Mail.Purpose.PASSWORD, created_at__lt=now - KEPT).delete()
