"""What operations do by hand with connections and users: ask now, sync now, open the gate.

Each is one call with its own transactions and its own audit row; HTTP stands outside of them.
"""

from __future__ import annotations

from typing import IO

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts import audit, secrets
from accounts.audit import Actor
from accounts.models import BackendConnection, Health, PasswordEncoding
from provisioning import codes
from provisioning.activation import login as portal_login
from provisioning.activation.admission import PortalRefused
from provisioning.backend import gate
from provisioning.backend.limited_client import OutOfTime
from provisioning.exports import files as export_files
from provisioning.jobs import outbox
from provisioning.models import Subscriber
from provisioning.sync import check_now
from templates_app.models import OnboardingTemplate
from webex.errors import WebexError, in_words


def export_users(users: QuerySet[Subscriber], *, actor: Actor) -> IO[bytes]:
    """Write chosen users of any partner into a file without a name, audited, ready to be read.

    Administrators of partners get theirs by a job (provisioning.exports); operations wait.

    Raises:
        OSError: the file cannot be written, as on a full disk.
    """
    file = export_files.temporary()
    try:
        written = export_files.copy(users, file)
        event = {"rows": written.rows, "sha256": written.sha256}
        audit.record(actor, "subscriber.export", Subscriber(), partner=None, after=event)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


@sensitive_variables("password")
def try_login(
    connection: BackendConnection, *, user_id: str, password: str, actor: Actor
) -> PasswordEncoding:
    """Ask BroadWorks for one login as the portal does; answer the encoding that it was right in.

    A password with letters beyond ASCII is tried in the connection's encoding, then in the other.
    Wrong ones count as those of the portal, which keep the phone login from being locked.

    Raises:
        PortalRefused: what an end user would have met.
        AskingFailed: the partner has no template yet.
    """
    template = OnboardingTemplate.objects.filter(partner=connection.partner).first()
    if template is None:
        raise AskingFailed(_("Make a template first: the login check belongs to one."))
    facts = {"user_id": user_id}
    audit.record(actor, "connection.login", connection, partner=connection.partner, after=facts)
    login = portal_login.Login(template, user_id, actor.ip)
    first = PasswordEncoding(connection.password_encoding)
    others = [] if password.isascii() else [one for one in PasswordEncoding if one != first]
    try:
        portal_login.check(login, password, encoding=first)
    except PortalRefused as refusal:
        if refusal.code != codes.WRONG_LOGIN or not others:
            raise
        portal_login.check(login, password, encoding=others[0])
        return others[0]
    return first


class AskingFailed(Exception):
    """Webex could not be asked; the message is for the person who wanted it."""


def sync_now(connection: BackendConnection, *, actor: Actor) -> None:
    """Have the changes of one connection brought in at once, not at the next tick."""
    _have_done(connection, "provisioning.sync", "connection.sync", actor)


def full_pass_now(connection: BackendConnection, *, actor: Actor) -> None:
    """Have everything of one connection read, which also finds what was deleted at Webex."""
    _have_done(connection, "provisioning.full_pass", "connection.full_pass", actor)


def _have_done(connection: BackendConnection, task: str, action: str, actor: Actor) -> None:
    with transaction.atomic():
        audit.record(actor, action, connection, partner=connection.partner)
        transaction.on_commit(lambda: outbox.publish(task, connection_id=connection.pk))


def open_gate(connection: BackendConnection, *, actor: Actor) -> None:
    """Let requests out again before the time that the gate was closed for."""
    with transaction.atomic():
        row = BackendConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        until = row.not_before.isoformat() if row.not_before else ""
        before = {"not_before": until, "gate_reason": row.gate_reason}
        row.not_before, row.gate_reason = None, ""
        row.save(update_fields=["not_before", "gate_reason"])
        audit.record(actor, "connection.open_gate", row, partner=row.partner, before=before)


def start_afresh(connection: BackendConnection, *, other_backend: bool) -> None:
    """Forget what was learnt with the old settings, after a new token or address was saved.

    The gate opens, health is unknown; at another address the clock is another one, so the next
    sync reads everything.
    """
    connection.health, connection.health_text, connection.health_at = Health.UNKNOWN, "", None
    connection.not_before, connection.gate_reason = None, ""
    connection.trips = connection.unreachable = connection.forbidden = 0
    connection.window_at, connection.window_calls, connection.window_unclear = None, 0, 0
    names = [name for name in gate.GATE_FIELDS if name not in ("paid_until", "answer_ms")]
    if other_backend:
        connection.watermarks = {}
        connection.full_pass_started_at = connection.full_pass_template_id = None
        names += ["watermarks", "full_pass_started_at", "full_pass_template_id"]
    connection.save(update_fields=names)


def ask_now(subscriber: Subscriber, *, actor: Actor) -> None:
    """Ask Webex for one subscriber and bring in what it answers, also that it is gone.

    Raises:
        AskingFailed: there is nothing to ask for, the gate is closed, or no answer came.
    """
    if not subscriber.webex_id:
        raise AskingFailed(_("Webex has no subscriber for this user at the moment."))
    audit.record(actor, "subscriber.ask", subscriber, partner=subscriber.partner)
    try:
        check_now.ask_for(subscriber)
    except gate.Closed as error:
        raise AskingFailed(_("The gate of the connection is closed. Open it first.")) from error
    except OutOfTime as error:
        words = _("The rate of the connection is used up by other requests. Ask again soon.")
        raise AskingFailed(words) from error
    except secrets.Unsealable as error:
        raise AskingFailed(_("The token cannot be read with the keys configured here.")) from error
    except WebexError as error:
        message = _("Webex gave no usable answer: %(reason)s.")
        raise AskingFailed(message % {"reason": in_words(error, _)}) from error
