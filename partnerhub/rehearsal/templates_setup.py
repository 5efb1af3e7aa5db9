"""The onboarding template that a scenario is played in."""

from __future__ import annotations

import uuid
from base64 import b64encode
from datetime import datetime
from typing import Any

from accounts import audit
from accounts.audit import Actor
from accounts.models import BackendConnection, Partner
from templates_app.models import IdCheck, OnboardingTemplate

#: Settings of a template that a scenario may wish for.
WANTED = frozenset(
    {"country", "language", "enterprise_mode", "default_package", "untrusted_emails"}
    | {"allow_self_activation", "provision_admin_first"}
)


def template_for(partner: Partner, name: str) -> OnboardingTemplate:
    """The template of that name or of the last time; not saved where there is none yet."""
    made_up = _provisioning_id(partner, name)
    return _existing(partner, name, made_up) or OnboardingTemplate(
        partner=partner, name=name, provisioning_id=made_up
    )


def _existing(partner: Partner, name: str, made_up: str) -> OnboardingTemplate | None:
    """The template of that name, else the one of the last time, which was renamed since."""
    rows = OnboardingTemplate.objects.filter(partner=partner)
    found = rows.filter(name__iexact=name).first()
    return found or rows.filter(provisioning_id=made_up).first()


def _provisioning_id(partner: Partner, name: str) -> str:
    """An ID of the real form, the same whenever this partner rehearses under this name."""
    one = uuid.uuid5(partner.uuid, name.lower())
    two = uuid.uuid5(one, "rehearsal")
    return b64encode(f"{one}:{two}".encode()).decode().rstrip("=")


def fit(template: OnboardingTemplate, wanted: dict[str, Any], actor: Actor, now: datetime) -> None:
    """Give a template the settings that the scenario needs, and save it."""
    before = template.settings_for_audit() if template.pk else {}
    for name in WANTED & wanted.keys():
        setattr(template, name, wanted[name])
    template.share_link = template.share_link or template.activation_link
    template.id_check, template.id_checked_at = IdCheck.KNOWN, now
    template.save()
    after = template.settings_for_audit()
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    if changed:
        action = "template.change" if before else "template.create"
        old = {key: before[key] for key in changed if key in before}
        audit.record(actor, action, template, partner=template.partner, before=old, after=changed)


def read_again(connection: BackendConnection, provisioning_id: str) -> None:
    """Forget how far a provisioning ID was read: what was loaded may be older than that."""
    row = BackendConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    row.watermarks.pop(provisioning_id, None)
    row.save(update_fields=["watermarks"])
