"""`manage.py scenario`: list the simulator's scenarios, or start one for a partner."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.audit import Actor
from accounts.models import Partner
from common import clock
from partnerhub.rehearsal import services as rehearsal_services
from partnerhub.rehearsal import simulator_client
from partnerhub.rehearsal.services import NotPossible, Wish, summary


class Command(BaseCommand):
    help = "Rehearse: without NAME list the scenarios, with it start one (see OPERATIONS.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", metavar="NAME", help="the scenario")
        parser.add_argument("--partner", help="whose users to load; default: the first partner")
        parser.add_argument(
            "--template", default="", help="onboarding template; default: named by the scenario"
        )
        parser.add_argument("--seed", default="", help="the same seed gives the same chances")
        parser.add_argument(
            "--pace", type=float, default=1.0, help="factor on the story's times (0.1: faster)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not simulator_client.is_configured():
            raise CommandError(
                "There is no simulator to steer: set SIMULATOR_URL and SIMULATOR_CONTROL_TOKEN. "
                "Beside `make run`: `. .run/env` first."
            )
        if not 0.01 <= options["pace"] <= 100:
            raise CommandError("--pace must be from 0.01 to 100.")
        try:
            if options["name"]:
                self._start(options)
            else:
                self._list()
        except NotPossible as refusal:
            raise CommandError(str(refusal)) from refusal

    def _list(self) -> None:
        for scenario in rehearsal_services.scenarios():
            self.stdout.write(f"{scenario.name}\n  {scenario.title}: {scenario.description}")
            for line in scenario.watch:
                self.stdout.write(f"  - {line}")
        self.stdout.write("\nStart one with `manage.py scenario NAME`.")

    def _start(self, options: dict[str, Any]) -> None:
        wish = Wish(options["name"], options["seed"], options["pace"], options["template"])
        started = rehearsal_services.start_scenario(
            wish=wish,
            partner=_partner(options["partner"]),
            actor=Actor(label="manage.py scenario"),
            now=clock.now(),
        )
        told = summary(started)
        loaded = ", ".join(f"{name} {count}" for name, count in told["loaded"].items())
        kind = "new" if started.is_new else "as last time"
        for line in (
            f"{told['title']} runs for {told['partner']}.",
            f"  template         {told['template']} ({kind})",
            f"  loaded           {loaded or 'nothing'}; faults {told['faults']}",
            f"  activation link  {told['activation_link']}",
            f"  users            {told['users_link']}",
            f"  operations       {told['page']}",
        ):
            self.stdout.write(line)
        if told["logins"]:
            self.stdout.write("BroadWorks logins for the portal, and what comes of them:")
        for login in told["logins"]:
            parts = (login[part] for part in ("user_id", "password", "email", "expect", "name"))
            self.stdout.write("  " + "  ".join(part for part in parts if part))


def _partner(name: str | None) -> Partner:
    """The partner named, or the oldest of those who are connected to the simulator."""
    if name:
        found = Partner.objects.filter(name__iexact=name).first()
        if found is None:
            raise CommandError(f"There is no partner {name!r}.")
        return found
    simulated = sorted(rehearsal_services.partners(), key=lambda partner: partner.pk)
    if not simulated:
        raise CommandError("No partner is connected to the simulator.")
    return simulated[0]
