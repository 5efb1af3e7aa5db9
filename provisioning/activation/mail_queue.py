"""The queue of mails: filled in the transaction that wants a mail, emptied by workers."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from provisioning.jobs import outbox
from provisioning.models import Mail
from provisioning.states import MailState


def hint_after_commit(mail: Mail) -> None:
    """Tell a worker of a mail as soon as it is really queued."""
    transaction.on_commit(lambda: hint(mail.pk), robust=True)


def hint(mail_id: int) -> None:
    """Tell a worker that a mail is due; the sweep is the guarantee."""
    outbox.publish("provisioning.send_mail", mail_id=mail_id)


def due_ids(now: datetime, limit: int) -> list[int]:
    """Mails to hint at, oldest first."""
    return list(due(now).order_by("created_at").values_list("pk", flat=True)[:limit])


def due(now: datetime) -> QuerySet[Mail]:
    """Mails that wait to be sent, or whose sender's lease is over."""
    return Mail.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        Q(state=MailState.QUEUED) | Q(state=MailState.SENDING, lease_until__lte=now),
    )
