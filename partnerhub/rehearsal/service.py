"""What operations do with a rehearsal; the page and `manage.py scenario` make the same calls.

HTTP stands outside of transactions. What the simulator took, or may have taken, is audited.
"""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit, secrets
from accounts.audit import Actor
from accounts.models import BackendConnection, Partner
from partnerhub.rehearsal import control, known
from partnerhub.rehearsal.answers import Loaded, Scenario
from provisioning import oversight
from templates_app.models import IdCheck, OnboardingTemplate

Found = TypeVar("Found")
#: Settings of a template that a scenario may wish for.
WANTED = frozenset(
    {"country", "language", "enterprise_mode", "default_package", "untrusted_emails"}
    | {"allow_self_activation", "provision_admin_first"}
)


class NotPossible(Exception):
    """It cannot be done; the message is for the person who wanted it."""


class Unanswered(NotPossible):
    """The simulator gave no usable answer."""


@dataclass(frozen=True)
class Started:
    """A scenario that runs, and the template that it runs in."""

    template: OnboardingTemplate
    is_new: bool
    loaded: Loaded


@dataclass(frozen=True)
class Wish:
    """Which scenario, how: `seed` empty = the scenario's own, `pace` 2 = twice as slow.

    `template`: name of the onboarding template; empty = the scenario's title.
    """

    name: str
    seed: str = ""
    pace: float = 1.0
    template: str = ""


def summary(started: Started) -> dict[str, Any]:
    """What to tell of a scenario that was started, as plain values."""
    template = started.template
    return {
        "title": started.loaded.title,
        "partner": template.partner.name,
        "template": template.name,
        "template_id": template.pk,
        "is_new": started.is_new,
        "provisioning_id": template.provisioning_id,
        "activation_link": template.activation_link,
        "page": f"{settings.PUBLIC_URL}{reverse('admin:rehearsal')}",
        "users_link": f"{settings.PUBLIC_URL}/templates/{template.uuid}/users/",
        "loaded": {name: count for name, count in started.loaded.loaded.items() if count},
        "faults": started.loaded.faults,
        "logins": [asdict(login) for login in started.loaded.logins],
    }


@dataclass(frozen=True)
class _Meta:
    model_name: str = "rehearsal"


@dataclass(frozen=True)
class _Rehearsal:
    """What the audit log tells of, for want of a row of ours."""

    pk: str
    label: str
    _meta: _Meta = _Meta()

    def __str__(self) -> str:
        return self.label


def partners() -> list[Partner]:
    """Partners whose connection is the simulator: only with them can one rehearse."""
    rows = BackendConnection.objects.select_related("partner").order_by("partner__name")
    return [row.partner for row in rows if is_simulated(row)]


def is_simulated(connection: BackendConnection) -> bool:
    """Tell whether a connection leads to the simulator that is configured here."""
    base = f"{settings.SIMULATOR_URL}/"
    return bool(settings.SIMULATOR_URL) and all(
        f"{url}/".startswith(base) for url in (connection.api_base_url, connection.xsi_base_url)
    )


def scenarios() -> list[Scenario]:
    """What can be started; raises NotPossible or Unanswered."""
    return _ask(control.scenarios, lambda more: None)


def start_scenario(*, wish: Wish, partner: Partner, actor: Actor, now: datetime) -> Started:
    """Load a scenario for a partner, make or take the template that it needs, start a sync.

    Started again, it uses the same template and provisioning ID.

    Raises:
        NotPossible: unknown scenario, not the simulator's partner, refused; nothing was started.
        Unanswered: no usable answer; it may have been started.
    """
    connection = _connection(partner)
    scenario = _scenario(wish.name)
    name = wish.template or scenario.title
    existing = OnboardingTemplate.objects.filter(partner=partner, name__iexact=name).first()
    provisioning_id = existing.provisioning_id if existing else _provisioning_id(partner, name)
    about = _Rehearsal(scenario.name, scenario.title)
    facts = {"seed": wish.seed, "pace": wish.pace, "template": name}
    body = {"token": _token(connection), "provisioning_id": provisioning_id, "pace": wish.pace}
    if wish.seed:
        body["seed"] = wish.seed
    loaded = _ask(
        lambda: control.load_scenario(scenario.name, body),
        lambda more: audit.record(
            actor, "rehearsal.start", about, partner=partner, after=facts | more
        ),
    )
    with transaction.atomic():
        template = existing or OnboardingTemplate(
            partner=partner, name=name[:100], provisioning_id=provisioning_id
        )
        _fit(template, loaded.template, actor, now)
        if existing:
            _read_again(connection, provisioning_id)
    oversight.sync_now(connection, actor=actor)
    if existing:
        oversight.full_pass_now(connection, actor=actor)
    _tell()
    return Started(template, existing is None, loaded)


def add_fault(*, fault: dict[str, Any], actor: Actor) -> int:
    """Make something go wrong (the body of `POST faults`); returns its number.

    Raises:
        NotPossible, Unanswered: as start_scenario.
    """
    kind = str(fault["kind"])
    number = _ask(
        lambda: control.add_fault(fault),
        lambda more: audit.record(
            actor, "rehearsal.fault", _Rehearsal(kind, kind), partner=None, after=fault | more
        ),
    )
    _tell()
    return number


def stop_fault(*, fault_id: int, actor: Actor) -> None:
    """Stop one fault; raises Unanswered."""
    _ask(
        lambda: control.stop_fault(fault_id),
        lambda more: audit.record(
            actor,
            "rehearsal.stop",
            _Rehearsal(str(fault_id), f"fault {fault_id}"),
            partner=None,
            after=more,
        ),
    )
    _tell()


def end(*, actor: Actor) -> None:
    """End everything that goes wrong on purpose; raises Unanswered. The data stay."""
    _ask(
        control.end,
        lambda more: audit.record(
            actor, "rehearsal.end", _Rehearsal("all", "rehearsal"), partner=None, after=more
        ),
    )
    _tell()


def _ask(do: Callable[[], Found], note: Callable[[dict[str, Any]], object]) -> Found:
    """Make one call of the control API, put it on the record, and translate its failures."""
    try:
        found = do()
    except control.Refused as refused:
        message = _("The simulator refuses: %(message)s. Nothing was changed.")
        raise NotPossible(message % {"message": refused.message.rstrip(".")}) from refused
    except control.Away as away:
        if not away.maybe_done:
            raise Unanswered(away_words(away)) from away
        note({"outcome": "unknown"})
        _tell()
        raise Unanswered(
            _(
                "The simulator's answer got lost (%(reason)s), so it may have done it. Look at "
                "what runs before you try again."
            )
            % {"reason": away.reason}
        ) from away
    note({})
    return found


def away_words(away: control.Away) -> str:
    """What to say when the simulator does not answer."""
    return _(
        "The simulator at %(url)s does not answer (%(reason)s). Nothing was changed. Start it, or "
        "correct SIMULATOR_URL, and try again."
    ) % {"url": settings.SIMULATOR_URL, "reason": away.reason}


def _tell() -> None:
    """Let every page know at once; otherwise beat will within seconds."""
    try:
        known.look()
    except (control.Away, control.Refused):
        return


def _scenario(name: str) -> Scenario:
    found = scenarios()
    for scenario in found:
        if scenario.name == name:
            return scenario
    names = ", ".join(scenario.name for scenario in found)
    raise NotPossible(
        _("There is no scenario %(name)s. There are: %(names)s.") % {"name": name, "names": names}
    )


def _connection(partner: Partner) -> BackendConnection:
    connection = BackendConnection.objects.filter(partner=partner).first()
    if connection is None or not is_simulated(connection):
        raise NotPossible(
            _(
                "%(partner)s is not connected to the simulator but to another backend. Rehearse "
                "with a partner whose connection leads to %(url)s."
            )
            % {"partner": partner.name, "url": settings.SIMULATOR_URL}
        )
    return connection


def _token(connection: BackendConnection) -> str:
    try:
        return connection.token
    except secrets.Unsealable as error:
        raise NotPossible(_("The token cannot be read with the keys configured here.")) from error


def _provisioning_id(partner: Partner, name: str) -> str:
    """An ID of the real form, the same whenever this partner rehearses under this name."""
    one = uuid.uuid5(partner.uuid, name.lower())
    two = uuid.uuid5(one, "rehearsal")
    return b64encode(f"{one}:{two}".encode()).decode().rstrip("=")


def _fit(template: OnboardingTemplate, wanted: dict[str, Any], actor: Actor, now: datetime) -> None:
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


def _read_again(connection: BackendConnection, provisioning_id: str) -> None:
    """Forget how far a provisioning ID was read: what was loaded may be older than that."""
    row = BackendConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    row.watermarks.pop(provisioning_id, None)
    row.save(update_fields=["watermarks"])
