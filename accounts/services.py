"""Changes of a partner's people: one call each, one transaction each, with its audit row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit, password_links
from accounts.access import check_right
from accounts.audit import Actor
from accounts.models import Partner, User
from accounts.rights import Right, Role
from common import throttle
from common.bidi import isolated
from common.refusals import Refused
from common.versions import version_of

#: Links to set a password, for one person.
LINK_LIMIT = throttle.Limit(3, 900)


class PersonRefused(Refused):
    """The change of the person cannot be made."""


class PersonChanged(PersonRefused):
    """Somebody else saved the person after the form was drawn; nothing was changed.

    Attributes:
        person: as it is now.
    """

    def __init__(self, person: User) -> None:
        message = _(
            "Somebody else changed this person meanwhile: now %(name)s, %(role)s. Nothing of yours "
            "is saved yet. Save again to replace it."
        )
        words = {"name": person.name, "role": Role(person.role).label}
        super().__init__("changed_meanwhile", message % words)
        self.person = person


def person_version(person: User) -> str:
    """Of what the form of a person changes."""
    return version_of({"name": person.name, "role": person.role})


def add_person(
    *,
    partner: Partner,
    name: str,
    email: str,
    role: Role,
    actor: Actor,
    submission_id: UUID | None = None,
) -> User:
    """Make an administrator without a password, whom a mail gives the way in.

    A form that is sent twice, known by `submission_id`, makes one: the second answer is the first.

    Raises:
        PersonRefused: the address is taken.
        PermissionDenied: the actor may not manage this partner's people.
    """
    check_right(actor, Right.MANAGE, partner.pk)
    email = email.strip().lower()
    if made := _made_by(submission_id, partner):
        return made
    _check_address(partner, email)
    own: dict[str, Any] = {"uuid": submission_id} if submission_id else {}
    try:
        with transaction.atomic():
            person = User.objects.create_user(email, name=name, role=role, partner=partner, **own)
            audit.record(actor, "person.add", person, partner=partner, after=_facts(person))
            _send_link(person, partner, actor)
    except IntegrityError as error:
        if made := _made_by(submission_id, partner):
            return made
        raise _taken() from error
    return person


def _made_by(submission_id: UUID | None, partner: Partner) -> User | None:
    """The person whom this form made before; a new person bears its number."""
    if submission_id is None:
        return None
    return User.objects.filter(uuid=submission_id, partner=partner).first()


def change_person(
    *, person: User, name: str, role: Role, actor: Actor, seen: str | None = None
) -> User:
    """Change name and role; a new role ends the person's sessions (see User).

    `seen` is the `person_version` that was shown; None when nothing was.

    Raises:
        PersonChanged: somebody saved another name or role after that.
        PersonRefused: the last active full administrator must stay one.
        PermissionDenied: as `add_person`.
    """
    partner = _partner_of(person)
    check_right(actor, Right.MANAGE, partner.pk)
    with transaction.atomic():
        row = _locked(person)
        if seen is not None and seen != person_version(row):
            raise PersonChanged(row)
        if row.role == Role.FULL and role != Role.FULL:
            _check_not_last(row)
        before = _facts(row)
        row.name, row.role = name, role
        row.save(update_fields=["name", "role"])
        _record_change(actor, "person.change", row, before)
    return row


def deactivate_person(*, person: User, actor: Actor) -> User:
    """Close an account: its sessions end with their next request.

    Raises:
        PersonRefused: the last active full administrator cannot go.
        PermissionDenied: as `add_person`.
    """
    partner = _partner_of(person)
    check_right(actor, Right.MANAGE, partner.pk)
    with transaction.atomic():
        row = _locked(person)
        if row.role == Role.FULL:
            _check_not_last(row)
        _set_active(row, False, "person.deactivate", actor)
    return row


def reactivate_person(*, person: User, actor: Actor) -> User:
    """Open a closed account again.

    Raises:
        PermissionDenied: as `add_person`.
    """
    check_right(actor, Right.MANAGE, _partner_of(person).pk)
    with transaction.atomic():
        row = _locked(person)
        _set_active(row, True, "person.reactivate", actor)
    return row


def send_password_link(*, person: User, actor: Actor) -> None:
    """Queue a mail with a link to set a password, at most three in fifteen minutes.

    Raises:
        PersonRefused: the account is closed, or too many links were sent.
        PermissionDenied: as `add_person`.
    """
    partner = _partner_of(person)
    check_right(actor, Right.MANAGE, partner.pk)
    if not person.is_active:
        raise PersonRefused("closed", _("This account is closed. Open it first."))
    if not throttle.take("password-link", str(person.uuid), limit=LINK_LIMIT):
        message = _("Three links were sent in the last fifteen minutes. Look in the spam folder.")
        raise PersonRefused("too_many", message)
    with transaction.atomic():
        _send_link(person, partner, actor)


def _send_link(person: User, partner: Partner, actor: Actor) -> None:
    audit.record(actor, "person.send_link", person, partner=partner)
    password_links.ask(person.email)


def change_own_account(*, person: User, name: str, language: str, actor: Actor) -> User:
    """Change one's own name and language ("" = the browser decides); any role may.

    Raises:
        PermissionDenied: the actor is somebody else.
    """
    if actor.user is None or actor.user.pk != person.pk:
        raise PermissionDenied
    with transaction.atomic():
        row = _locked(person)
        before = _facts(row) | {"language": row.language}
        row.name, row.language = name, language
        row.save(update_fields=["name", "language"])
        _record_change(actor, "person.change", row, before, language=language)
    return row


def _partner_of(person: User) -> Partner:
    if person.partner is None:
        raise PermissionDenied
    return person.partner


def _check_address(partner: Partner, email: str) -> None:
    known = User.objects.filter(email__iexact=email).first()
    if known is None:
        return
    if known.partner_id == partner.pk:
        message = _("%(name)s has this email address already.") % {"name": isolated(known.label)}
        raise PersonRefused("taken", message, field="email")
    raise _taken()


def _taken() -> PersonRefused:
    """Says nothing of whose account it is: it may be another partner's."""
    message = _("This address cannot be used here. Take another one, or ask operations.")
    return PersonRefused("taken", message, field="email")


def _locked(person: User) -> User:
    """The row as it is now; all changes of a partner's people queue behind its row."""
    Partner.objects.select_for_update(no_key=True).get(people=person)
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def _check_not_last(row: User) -> None:
    others = User.objects.filter(partner=row.partner, role=Role.FULL, is_active=True)
    if row.is_active and not others.exclude(pk=row.pk).exists():
        message = _(
            "This is the last active full administrator. Make somebody else one first, or nobody "
            "could manage templates and people."
        )
        raise PersonRefused("last_full_administrator", message, field="role")


def _set_active(row: User, is_active: bool, action: str, actor: Actor) -> None:
    before = _facts(row)
    row.is_active = is_active
    row.save(update_fields=["is_active"])
    _record_change(actor, action, row, before)


def _facts(row: User) -> dict[str, Any]:
    return {"email": row.email, "name": row.name, "role": row.role, "is_active": row.is_active}


def _record_change(
    actor: Actor, action: str, row: User, before: dict[str, Any], **more: Any
) -> None:
    after = _facts(row) | more
    if before != after:
        audit.record(actor, action, row, partner=row.partner, before=before, after=after)
