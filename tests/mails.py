"""What the worker does with queued mails, where a test has no worker."""

from __future__ import annotations

from django.core import mail
from django.core.mail import EmailMessage

from provisioning import timing
from provisioning.activation import mail_queue, mail_sending


def deliver() -> list[EmailMessage]:
    """Send the mails that are due; returns the outbox."""
    for mail_id in mail_queue.due_ids(timing.now(), 10):
        mail_sending.send(mail_id)
    return mail.outbox
