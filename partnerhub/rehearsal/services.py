"""What operations do with a rehearsal; the page and `manage.py scenario` make the same calls.

HTTP stands outside of transactions. What the simulator took, or may have taken, is audited.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit, secrets
from accounts.audit import Actor
from accounts.models import BackendConnection, Partner
from common.bidi import isolated
from partnerhub.rehearsal import simulator_client, status_cache, templates_setup
from partnerhub.rehearsal.simulator_types import Loaded, Scenario
from provisioning import operator_services
from templates_app.models import OnboardingTemplate

Found = TypeVar("Found")
#: What was started last stays to be read for a day.
_LAST, _LAST_SECONDS = "rehearsal-last", 24 * 3600


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
        "name": started.loaded.name,
        "title": started.loaded.title,
        "partner": template.partner.name,
        "template": template.name,
        "template_id": template.pk,
        "is_new": started.is_new,
        "provisioning_id": template.provisioning_id,
        "activation_link": template.activation_link,
        "page": f"{settings.PUBLIC_URL}{reverse('admin:rehearsal')}",
        "users_link": f"{settings.PUBLIC_URL}/templates/{template.uuid}/users/",
        "loaded": {
            name.replace("_", " "): count for name, count in started.loaded.loaded.items() if count
        },
        "faults": started.loaded.faults,
        "logins": [asdict(login) for login in started.loaded.logins],
    }


def last_started() -> dict[str, Any]:
    """The summary of the scenario that was started last, by whom ever; empty after a day."""
    return dict(cache.get(_LAST) or {})


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
    return _ask(simulator_client.scenarios, lambda more: None)


def start_scenario(*, wish: Wish, partner: Partner, actor: Actor, now: datetime) -> Started:
    """Load a scenario for a partner, make or take the template that it needs, start a sync.

    Started again, it uses the same template and provisioning ID.

    Raises:
        NotPossible: unknown scenario, not the simulator's partner, refused; nothing was started.
        Unanswered: no usable answer; it may have been started.
    """
    connection = _connection(partner)
    scenario = _scenario(wish.name)
    template = templates_setup.template_for(partner, (wish.template or scenario.title)[:100])
    is_new = template.pk is None
    loaded = _load(scenario, wish, connection, template, actor)
    try:
        with transaction.atomic():
            templates_setup.fit(template, loaded.template, actor, now)
            templates_setup.read_again(connection, template.provisioning_id)
    except IntegrityError as error:
        message = _("Somebody started the same at the same moment. Try again.")
        raise NotPossible(message) from error
    operator_services.sync_now(connection, actor=actor)
    if not is_new:  # what the last time left may be gone at the backend
        operator_services.full_pass_now(connection, actor=actor)
    _tell()
    started = Started(template, is_new, loaded)
    cache.set(_LAST, summary(started), _LAST_SECONDS)
    return started


def add_fault(*, fault: dict[str, Any], actor: Actor) -> int:
    """Make something go wrong (the body of `POST faults`); returns its number.

    Raises:
        NotPossible, Unanswered: as start_scenario.
    """
    kind = str(fault["kind"])
    number = _ask(
        lambda: simulator_client.add_fault(fault),
        lambda more: audit.record(
            actor, "rehearsal.fault", _Rehearsal(kind, kind), partner=None, after=fault | more
        ),
    )
    _tell()
    return number


def stop_fault(*, fault_id: int, actor: Actor) -> None:
    """Stop one fault; raises Unanswered."""
    _ask(
        lambda: simulator_client.stop_fault(fault_id),
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
        simulator_client.end,
        lambda more: audit.record(
            actor, "rehearsal.end", _Rehearsal("all", "rehearsal"), partner=None, after=more
        ),
    )
    _tell()


def _ask(do: Callable[[], Found], note: Callable[[dict[str, Any]], object]) -> Found:
    """Make one call of the control API, put it on the record, and translate its failures."""
    try:
        found = do()
    except simulator_client.Refused as refused:
        message = _("The simulator refuses: %(message)s. Nothing was changed.")
        raise NotPossible(message % {"message": refused.message.rstrip(".")}) from refused
    except simulator_client.Away as away:
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


def away_words(away: simulator_client.Away) -> str:
    """What to say when the simulator does not answer."""
    return _(
        "The simulator at %(url)s does not answer (%(reason)s). Nothing was changed. Start it, or "
        "correct SIMULATOR_URL, and try again."
    ) % {"url": settings.SIMULATOR_URL, "reason": away.reason}


def _tell() -> None:
    """Let every page know at once; otherwise beat will within seconds."""
    try:
        status_cache.look()
    except (simulator_client.Away, simulator_client.Refused):
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


def _load(
    scenario: Scenario,
    wish: Wish,
    connection: BackendConnection,
    template: OnboardingTemplate,
    actor: Actor,
) -> Loaded:
    about = _Rehearsal(scenario.name, scenario.title)
    facts = {"seed": wish.seed, "pace": wish.pace, "template": template.name}
    where = {"token": _token(connection), "provisioning_id": template.provisioning_id}
    how = {"pace": wish.pace} | ({"seed": wish.seed} if wish.seed else {})

    def note(more: dict[str, Any]) -> None:
        after = facts | more
        audit.record(actor, "rehearsal.start", about, partner=connection.partner, after=after)

    return _ask(lambda: simulator_client.load_scenario(scenario.name, where | how), note)


def _connection(partner: Partner) -> BackendConnection:
    connection = BackendConnection.objects.filter(partner=partner).first()
    if connection is None or not is_simulated(connection):
        raise NotPossible(
            _(
                "%(partner)s is not connected to the simulator but to another backend. Rehearse "
                "with a partner whose connection leads to %(url)s."
            )
            % {"partner": isolated(partner.name), "url": settings.SIMULATOR_URL}
        )
    return connection


def _token(connection: BackendConnection) -> str:
    try:
        return connection.token
    except secrets.Unsealable as error:
        raise NotPossible(_("The token cannot be read with the keys configured here.")) from error
