"""Changes of onboarding templates: one call each, with the audit row in the same transaction.

What the portal does follows from the row at its next request: nothing here is cached.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import check_right
from accounts.audit import Actor
from accounts.models import BackendConnection, Partner
from accounts.rights import Right
from common.names import tidy
from common.refusals import Refused
from templates_app import id_check
from templates_app.id_check import IdAnswer
from templates_app.models import IdCheck, OnboardingTemplate


class TemplateRefused(Refused):
    """The change of the template cannot be made."""


class ChangedMeanwhile(TemplateRefused):
    """Somebody else saved the template after it was shown; nothing was changed.

    Attributes:
        template: as it is now.
    """

    def __init__(self, template: OnboardingTemplate) -> None:
        message = _("Somebody else changed this template meanwhile. Nothing of yours is saved yet.")
        super().__init__("changed_meanwhile", message)
        self.template = template


@dataclass(frozen=True)
class TemplateSettings:
    """What a person decides about a template (DESIGN section 4).

    `country` is ISO 3166-1, `language` ISO 639-1, `default_package` in the API's words; an empty
    `share_link` of a new template becomes the activation link.
    """

    name: str
    provisioning_id: str
    country: str
    language: str
    enterprise_mode: bool
    default_package: str
    untrusted_emails: bool
    share_link: str
    allow_self_activation: bool
    provision_admin_first: bool


@dataclass(frozen=True)
class Saved:
    """A template as saved, and what Webex said of its provisioning ID."""

    template: OnboardingTemplate
    answer: IdAnswer


def create_template(
    *, partner: Partner, settings: TemplateSettings, actor: Actor, now: datetime
) -> Saved:
    """Make a template; Webex is asked for the provisioning ID before anything is written.

    An unreachable Webex or a refused token does not stop it: the ID is then kept as unchecked.

    Raises:
        TemplateRefused: name or ID taken, ID unknown to Webex, no connection.
        PermissionDenied: the actor may not manage this partner's templates.
    """
    check_right(actor, Right.MANAGE, partner.pk)
    connection = _connection(partner)
    row = OnboardingTemplate(partner=partner)
    _check_unique(row, settings)
    answer = id_check.ask(connection, settings.provisioning_id)
    _check_known(answer)
    _apply(row, settings)
    row.share_link = row.share_link or row.activation_link
    _note_answer(row, answer, now)
    with transaction.atomic():
        _save(row)
        audit.record(actor, "template.create", row, partner=partner, after=row.settings_for_audit())
    return Saved(row, answer)


def change_template(
    *,
    template: OnboardingTemplate,
    settings: TemplateSettings,
    seen_at: datetime | None,
    actor: Actor,
    now: datetime,
) -> Saved:
    """Change a template that was shown as of `seen_at` (its `updated_at` then).

    Webex is asked again; only a *new* provisioning ID is refused when Webex does not know it,
    so that an old one never keeps anybody from mending the rest.

    Raises:
        ChangedMeanwhile: somebody saved after `seen_at`.
        TemplateRefused: as `create_template`; also for a new ID when users exist.
        PermissionDenied: as `create_template`.
    """
    check_right(actor, Right.MANAGE, template.partner_id)
    connection = _connection(template.partner)
    _check_unique(template, settings)
    answer = id_check.ask(connection, settings.provisioning_id)
    if settings.provisioning_id != template.provisioning_id:
        _check_known(answer)
    with transaction.atomic():
        row = _locked(template)
        if row.updated_at != seen_at:
            raise ChangedMeanwhile(row)
        if settings.provisioning_id != row.provisioning_id:
            _check_not_fixed(row)
        before = row.settings_for_audit()
        _apply(row, settings)
        _note_answer(row, answer, now)
        _save(row)
        _record_change(actor, "template.change", row, before)
    return Saved(row, answer)


def mend_share_link(*, template: OnboardingTemplate, actor: Actor) -> OnboardingTemplate:
    """Set the share link to the activation link; mending twice changes nothing.

    Raises:
        PermissionDenied: as `create_template`.
    """
    check_right(actor, Right.MANAGE, template.partner_id)
    with transaction.atomic():
        row = _locked(template)
        before = row.settings_for_audit()
        row.share_link = row.activation_link
        row.save(update_fields=["share_link", "updated_at"])
        _record_change(actor, "template.mend", row, before)
    return row


def check_provisioning_id(*, template: OnboardingTemplate, actor: Actor, now: datetime) -> IdAnswer:
    """Ask Webex now; what it says is kept, what it does not say changes nothing.

    Raises:
        TemplateRefused: the partner has no connection.
        PermissionDenied: as `create_template`.
    """
    check_right(actor, Right.MANAGE, template.partner_id)
    answer = id_check.ask(_connection(template.partner), template.provisioning_id)
    if answer.check != IdCheck.UNCHECKED:
        # By query: this is no change of the settings, and an open form must still be savable.
        OnboardingTemplate.objects.filter(
            pk=template.pk, provisioning_id=template.provisioning_id
        ).update(id_check=answer.check, id_checked_at=now)
    return answer


def _connection(partner: Partner) -> BackendConnection:
    connection = BackendConnection.objects.filter(partner=partner).first()
    if connection is None:
        message = _("Your company is not connected to Webex yet. Operations must do that first.")
        raise TemplateRefused("no_connection", message)
    return connection


def _check_unique(row: OnboardingTemplate, settings: TemplateSettings) -> None:
    """Words before the question to Webex; the database's constraints are the guarantee."""
    others = OnboardingTemplate.objects.filter(partner_id=row.partner_id).exclude(pk=row.pk)
    if others.filter(name__iexact=tidy(settings.name)).exists():
        raise _name_taken()
    if others.filter(provisioning_id=settings.provisioning_id).exists():
        raise _id_taken()


def _name_taken() -> TemplateRefused:
    message = _("You have a template with this name. Names are compared without case.")
    return TemplateRefused("name_taken", message, field="name")


def _id_taken() -> TemplateRefused:
    message = _("Another template has this provisioning ID.")
    return TemplateRefused("id_taken", message, field="provisioning_id")


def _check_known(answer: IdAnswer) -> None:
    if answer.check == IdCheck.UNKNOWN:
        message = _("Webex does not know this ID. Copy it from the template in Webex once more.")
        raise TemplateRefused("id_unknown", message, field="provisioning_id")


def _check_not_fixed(row: OnboardingTemplate) -> None:
    if row.subscribers.exists():
        message = _("The provisioning ID is fixed, because users came with it.")
        raise TemplateRefused("id_fixed", message, field="provisioning_id")


def _locked(template: OnboardingTemplate) -> OnboardingTemplate:
    rows = OnboardingTemplate.objects.select_for_update(no_key=True)
    row: OnboardingTemplate = rows.get(pk=template.pk)
    return row


def _apply(row: OnboardingTemplate, settings: TemplateSettings) -> None:
    if row.provisioning_id != settings.provisioning_id:
        row.id_check, row.id_checked_at = IdCheck.UNCHECKED, None
    for name, value in asdict(settings).items():
        setattr(row, name, value)


def _note_answer(row: OnboardingTemplate, answer: IdAnswer, now: datetime) -> None:
    if answer.check != IdCheck.UNCHECKED:
        row.id_check, row.id_checked_at = answer.check, now


def _save(row: OnboardingTemplate) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        # Two people at once: the words of the check that both had passed.
        raise (_name_taken() if "template_name_unique" in str(error) else _id_taken()) from error


def _record_change(
    actor: Actor, action: str, row: OnboardingTemplate, before: dict[str, Any]
) -> None:
    """The audit log keeps what differs; a save that changes nothing is no change."""
    after = row.settings_for_audit()
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        audit.record(
            actor,
            action,
            row,
            partner=row.partner,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
