"""Sends queued mails, each within its lease; beside it nothing of ours speaks to a mail server.

A mail is sent again only when the last attempt certainly did not hand it over: the intent is
recorded before, and an attempt that ends without an answer after it leaves the mail unclear. So no
second mail comes whose link would replace that of the first; who misses it asks for another.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from provisioning import codes, timing
from provisioning.activation import (
    confirmation_mails,
    mail_message,
    mail_queue,
    mail_server,
    password_mails,
    runs,
)
from provisioning.activation.admission import PortalRefused
from provisioning.activation.mail_server import MailRefused, TryLater, Unclear
from provisioning.models import Mail
from provisioning.states import ActivationState, MailState

logger = logging.getLogger(__name__)

#: A mail that the server does not take within this time is given up.
GIVE_UP = timedelta(hours=1)
LEASE_SECONDS = 60.0
#: Seconds until the next attempt; the last one is repeated.
BACKOFF = [5.0, 15.0, 60.0, 300.0]


class _Lost(Exception):
    """Another worker has the mail by now."""


def send(mail_id: int) -> bool:
    """Send one mail if it is due; False when it was not, or is no longer wanted."""
    now = timing.now()
    mail = _claim(mail_id, now)
    if mail is None or _has_ended(mail, now):
        return False
    letter = _letter(mail, now)
    if letter is None:
        _unwanted(mail)
        return False
    _hand_over(mail, letter)
    return True


def _has_ended(mail: Mail, now: datetime) -> bool:
    """End a mail whose attempts were killed: those record nothing."""
    if mail.handed_at:
        _end(mail, state=MailState.UNCLEAR, error="its sender died while handing it over")
        return True
    if mail.attempts > 1 and _is_over(mail, now):
        _give_up(mail, codes.MAIL_AWAY, mail.error or "no attempt came to its end")
        return True
    return False


def _hand_over(mail: Mail, letter: EmailMultiAlternatives) -> None:
    try:
        mail_server.send(letter, lambda: _begin(mail), lambda: _sent(mail))
    except MailRefused as refused:
        _give_up(mail, codes.MAIL_REFUSED, str(refused))
    except TryLater as trouble:
        _try_later(mail, str(trouble))
    except Unclear as trouble:
        _end(mail, state=MailState.UNCLEAR, error=str(trouble)[:300])
    except _Lost:
        logger.warning("mail lease lost", extra={"mail": str(mail.uuid)})


def _letter(mail: Mail, now: datetime) -> EmailMultiAlternatives | None:
    """What is sent; None when nobody waits for it any more."""
    run = mail.activation
    if run is None:
        return password_mails.letter(mail, now)
    if mail.purpose != Mail.Purpose.CONFIRM:
        return mail_message.message(mail, run, None)
    secrets = confirmation_mails.make_secrets(run, mail, now)
    return mail_message.message(mail, run, secrets) if secrets else None


def _unwanted(mail: Mail) -> None:
    """Nobody waits for it; an address that is nobody's is not kept."""
    if mail.activation is None:
        Mail.objects.filter(pk=mail.pk, attempts=mail.attempts).delete()
    else:
        _end(mail, state=MailState.FAILED, error="no longer wanted")


def _begin(mail: Mail) -> None:
    """Record the intent, while the lease holds."""
    held = Mail.objects.filter(pk=mail.pk, state=MailState.SENDING, attempts=mail.attempts)
    if not held.update(handed_at=timing.now()):
        raise _Lost


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
        mail_queue.due(now)
        .filter(pk=mail_id, attempts=tried)
        .update(state=MailState.SENDING, lease_until=lease, attempts=tried + 1)
    )
    if not taken:
        return None
    found = Mail.objects.select_related("activation__template", "activation__partner")
    return found.get(pk=mail_id)


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
    _end(mail, state=MailState.QUEUED, not_before=when, handed_at=None, error=trouble[:300])


def _backoff(attempts: int) -> float:
    return BACKOFF[min(attempts, len(BACKOFF)) - 1]


def _give_up(mail: Mail, code: str, reason: str) -> None:
    """The mail will not arrive: page and row say so, and the user can change the address."""
    with transaction.atomic():
        _end(mail, state=MailState.FAILED, error=reason[:300])
        run = mail.activation
        if run is None or mail.purpose != Mail.Purpose.CONFIRM:
            return
        run.refresh_from_db()
        if run.state == ActivationState.MAIL_SENT:
            runs.refuse(run, PortalRefused(code, reason), now=timing.now())
