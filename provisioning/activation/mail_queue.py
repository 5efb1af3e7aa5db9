"""The portal's mails: queued in the transaction that wants them, sent by a worker.

A confirmation's token and code are made when it is sent, so that they are nowhere in clear but in
the mail; only their hashes are kept. A mail is sent at least once: after a crash between the mail
server's yes and our record of it a second one goes out, whose link replaces the first one's.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.crypto import salted_hmac

from common import throttle
from common.throttle import Limit
from provisioning import codes, timing
from provisioning.activation import mail_message, runs
from provisioning.activation.admission import PortalRefused
from provisioning.activation.lifetimes import CODE_LIFETIME, LINK_LIFETIME
from provisioning.activation.mail_message import MailRefused, Secrets, TryLater
from provisioning.jobs import outbox
from provisioning.models import Activation, Mail
from provisioning.states import ActivationState, MailState

logger = logging.getLogger(__name__)

#: Between two mails of one run, and how many an hour.
RESEND_AFTER = timedelta(seconds=60)
MAX_PER_HOUR = 3
#: A mail that the server does not take within this time is given up.
GIVE_UP = timedelta(hours=1)
LEASE_SECONDS = 60.0
#: Seconds until the next attempt; the last one is repeated.
BACKOFF = [5.0, 15.0, 60.0, 300.0]


# ---- Queueing ----


def queue_confirmation(run: Activation, *, now: datetime) -> None:
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
    transaction.on_commit(lambda: hint(mail.pk), robust=True)


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


def hint(mail_id: int) -> None:
    """Tell a worker that a mail is due; the sweep is the guarantee."""
    outbox.publish("provisioning.send_mail", mail_id=mail_id)


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


# ---- Sending ----


def due_ids(now: datetime, limit: int) -> list[int]:
    """Mails to hint at, oldest first."""
    return list(_due(now).order_by("created_at").values_list("pk", flat=True)[:limit])


def _due(now: datetime) -> Any:
    return Mail.objects.filter(
        Q(not_before=None) | Q(not_before__lte=now),
        Q(state=MailState.QUEUED) | Q(state=MailState.SENDING, lease_until__lte=now),
    )


def send(mail_id: int) -> bool:
    """Send one mail if it is due; False when it was not, or is no longer wanted."""
    now = timing.now()
    mail = _claim(mail_id, now)
    if mail is None:
        return False
    if mail.attempts > 1 and _is_over(mail, now):  # attempts that were killed record nothing
        _give_up(mail, codes.MAIL_AWAY, mail.error or "no attempt came to its end")
        return False
    made = None
    if mail.purpose == Mail.Purpose.CONFIRM:
        made = _make_secrets(mail.activation, mail, now)
        if made is None:
            _end(mail, state=MailState.FAILED, error="no longer wanted")
            return False
    try:
        mail_message.send(mail, made, lambda: _sent(mail))
    except MailRefused as refused:
        _give_up(mail, codes.MAIL_REFUSED, str(refused))
    except TryLater as trouble:
        _try_later(mail, str(trouble))
    return True


def _sent(mail: Mail) -> None:
    _end(mail, state=MailState.SENT, sent_at=timing.now(), error="")


def _is_over(mail: Mail, now: datetime) -> bool:
    """Tell whether it is time to give the mail up."""
    return now - mail.created_at >= timing.scaled(GIVE_UP.total_seconds())


def _claim(mail_id: int, now: datetime) -> Mail | None:
    """Take the lease by one conditional UPDATE: of two workers one wins.

    A dying worker's lease lasts longer with each attempt, as the wait after a failure does.
    """
    tried = Mail.objects.filter(pk=mail_id).values_list("attempts", flat=True).first() or 0
    lease = now + timing.scaled(LEASE_SECONDS + (_backoff(tried) if tried else 0.0))
    taken = (
        _due(now)
        .filter(pk=mail_id, attempts=tried)
        .update(state=MailState.SENDING, lease_until=lease, attempts=tried + 1)
    )
    if not taken:
        return None
    found = Mail.objects.select_related("activation__template", "activation__partner")
    return found.get(pk=mail_id)


def _make_secrets(run: Activation, mail: Mail, now: datetime) -> Secrets | None:
    """New token and code, whose hashes replace the older ones; None when nobody waits for them."""
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


def _end(mail: Mail, **values: Any) -> None:
    """Record an outcome, unless another worker has the mail by now."""
    Mail.objects.filter(pk=mail.pk, state=MailState.SENDING, attempts=mail.attempts).update(
        lease_until=None, **values
    )
    logger.info(
        "mail", extra={"activation_id": mail.activation_id, "outcome": str(values["state"])}
    )


def _try_later(mail: Mail, trouble: str) -> None:
    now = timing.now()
    if _is_over(mail, now):
        _give_up(mail, codes.MAIL_AWAY, trouble)
        return
    when = now + timing.scaled(_backoff(mail.attempts))
    _end(mail, state=MailState.QUEUED, not_before=when, error=trouble[:300])


def _backoff(attempts: int) -> float:
    return BACKOFF[min(attempts, len(BACKOFF)) - 1]


def _give_up(mail: Mail, code: str, reason: str) -> None:
    """The mail will not arrive: page and row say so, and the user can change the address."""
    with transaction.atomic():
        _end(mail, state=MailState.FAILED, error=reason[:300])
        run = mail.activation
        run.refresh_from_db()
        if mail.purpose == Mail.Purpose.CONFIRM and run.state == ActivationState.MAIL_SENT:
            refusal = PortalRefused(code, reason)
            runs.refuse(run, refusal, now=timing.now())
