"""Confirmation mails: when one is queued, and the link and the code in it.

Token and code are made when the mail is sent, so that they are nowhere in clear but in the mail;
only their hashes are kept.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.crypto import salted_hmac

from common import throttle
from common.throttle import Limit
from provisioning.activation import mail_queue
from provisioning.activation.lifetimes import CODE_LIFETIME, LINK_LIFETIME
from provisioning.activation.mail_message import Secrets
from provisioning.models import Activation, Mail
from provisioning.states import ActivationState, MailState

logger = logging.getLogger(__name__)

#: Between two mails of one run, and how many an hour.
RESEND_AFTER = timedelta(seconds=60)
MAX_PER_HOUR = 3


def queue(run: Activation, *, now: datetime) -> None:
    """Queue a confirmation mail, in the caller's transaction; a waiting one is dropped.

    When an address or a link has had its fill of mails, it is only noted, and nothing tells: an
    answer that differs would tell strangers about other people's mails.
    """
    run.mails.filter(purpose=Mail.Purpose.CONFIRM, state=MailState.QUEUED).delete()
    mail = Mail(activation=run, purpose=Mail.Purpose.CONFIRM, to=run.email, created_at=now)
    if not _within_limits(run):
        logger.warning("mail limit", extra={"activation_id": run.pk})
        mail.state, mail.error = MailState.FAILED, "not sent: too many mails"
        mail.save()
        return
    mail.save()
    mail_queue.hint_after_commit(mail)


def _within_limits(run: Activation) -> bool:
    address = _mailbox_of(run.email)
    limits = [
        ("mail-address", address, settings.MAIL_PER_ADDRESS),
        ("mail-address-day", address, settings.MAIL_PER_ADDRESS_DAY),
        ("mail-link", str(run.template_id), settings.MAIL_PER_LINK),
    ]
    return all(throttle.take(scope, part, limit=Limit.parse(text)) for scope, part, text in limits)


def _mailbox_of(address: str) -> str:
    """One mailbox in many spellings: case, dots and +tags make no difference here."""
    local, _, domain = address.casefold().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def next_possible(run: Activation, now: datetime) -> datetime:
    """When "send again" is possible: 60 seconds after the last, three an hour."""
    mails = run.mails.filter(purpose=Mail.Purpose.CONFIRM, created_at__gt=now - timedelta(hours=1))
    times = list(mails.order_by("-created_at").values_list("created_at", flat=True)[:MAX_PER_HOUR])
    if not times:
        return now
    earliest = times[0] + RESEND_AFTER
    if len(times) == MAX_PER_HOUR:
        earliest = max(earliest, times[-1] + timedelta(hours=1))
    return earliest


def make_secrets(run: Activation, mail: Mail, now: datetime) -> Secrets | None:
    """New token and code, whose hashes replace the older ones; None when nobody waits for them.

    A newer mail's link must not be replaced by that of an older one, which comes late.
    """
    newer = run.mails.filter(purpose=Mail.Purpose.CONFIRM, pk__gt=mail.pk)
    if newer.exclude(state=MailState.FAILED).exists():
        return None
    token = secrets.token_urlsafe(32)
    code = f"{secrets.randbelow(1_000_000):06d}"
    expires_at = now + LINK_LIFETIME
    changed = Activation.objects.filter(
        pk=run.pk, state=ActivationState.MAIL_SENT, email=mail.to
    ).update(
        token_hash=hash_of(token),
        token_expires_at=expires_at,
        code_hash=hash_of_code(run, code),
        code_expires_at=now + CODE_LIFETIME,
        code_tries=0,
    )
    return Secrets(token, code, expires_at) if changed else None


def hash_of(token: str) -> str:
    """The stored form of a link's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def hash_of_code(run: Activation, code: str) -> str:
    """The stored form of a code: bound to run and address, keyed, because six digits are few."""
    text = f"{run.uuid}:{run.email}:{code}"
    return salted_hmac("provisioning.mails.code", text, algorithm="sha256").hexdigest()
