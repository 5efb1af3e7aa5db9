"""Where mails go in the embedded default: into a table, shown by /dev/mailbox/."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from common import http
from provisioning.models import MailboxMessage
from webex.text import moment

#: Older ones are forgotten.
MAX_KEPT = 500


class MailboxBackend(BaseEmailBackend):
    """An e-mail backend of Django's that keeps the text part of every mail."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            message.message()  # builds the headers, so that bad ones fail here as well
            MailboxMessage.objects.create(
                to=", ".join(message.recipients())[:320],
                sender=str(make_header(decode_header(message.from_email)))[:320],
                subject=str(message.subject)[:300],
                text=str(message.body),
            )
        newest = MailboxMessage.objects.order_by("-pk").values_list("pk", flat=True)[:MAX_KEPT]
        MailboxMessage.objects.exclude(pk__in=list(newest)).delete()
        return len(email_messages)


@dataclass(frozen=True)
class ShownMail:
    """A mail of ours or of the simulated Webex."""

    to: str
    sender: str
    subject: str
    text: str
    at: datetime


def mails() -> list[ShownMail]:
    """Our mails and the simulator's consent mails, newest first."""
    ours = [
        ShownMail(mail.to, mail.sender, mail.subject, mail.text, mail.created_at)
        for mail in MailboxMessage.objects.all()[:MAX_KEPT]
    ]
    return sorted([*ours, *consent_mails()], key=lambda mail: mail.at, reverse=True)


def consent_mails() -> list[ShownMail]:
    """The mails that the simulated Webex sent; none when it does not answer."""
    url = f"{settings.SIMULATOR_URL}/_control/mails"
    token = settings.SIMULATOR_CONTROL_TOKEN
    if not settings.SIMULATOR_URL or not token:
        return []
    request = http.Request("GET", url, {"Authorization": f"Bearer {token}"})
    host = urlsplit(settings.SIMULATOR_URL).netloc
    try:
        answer = http.call(request, timeout=http.Timeout(1.0, 3.0), trusted_hosts=[host])
        items = json.loads(answer.body)["items"] if answer.status == 200 else []
    except (http.CallFailed, ValueError, KeyError):
        return []
    return [_consent_mail(item) for item in items]


def _consent_mail(item: dict[str, str]) -> ShownMail:
    at = moment(item.get("sent_at")) or datetime.fromtimestamp(0, UTC)
    return ShownMail(item["to"], "Webex", item["subject"], item["link"], at)
