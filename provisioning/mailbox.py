"""Where mails go in the embedded default: into a table, shown by /dev/mailbox/."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from provisioning.models import MailboxMessage

#: Older ones are forgotten.
KEPT = 500


class MailboxBackend(BaseEmailBackend):
    """An e-mail backend of Django's that keeps the text part of every mail."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            sent = message.message()  # builds the headers, so that bad ones fail here as well
            MailboxMessage.objects.create(
                to=", ".join(message.recipients())[:320],
                sender=message.from_email[:320],
                subject=str(sent["Subject"] and message.subject)[:300],
                text=str(message.body),
            )
        newest = MailboxMessage.objects.order_by("-pk").values_list("pk", flat=True)[:KEPT]
        MailboxMessage.objects.exclude(pk__in=list(newest)).delete()
        return len(email_messages)
