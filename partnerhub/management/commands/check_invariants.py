"""`manage.py check_invariants`: look for what must never be, here and at a simulated backend."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from partnerhub.rehearsal import simulator_client
from partnerhub.rehearsal.verdict import Finding as Case
from provisioning.invariants import backend as invariants_backend
from provisioning.invariants import check as invariants_check
from provisioning.invariants import secrets as invariants_secrets
from provisioning.invariants.rules import Finding

#: The judge's words for what it finds, and which invariant they break.
JUDGED = {
    "doubled": ("I3", "the backend made a user twice"),
    "overlaps": ("I4", "two changes of one user were on their way at once"),
    "early": ("I9", "a request came before the Retry-After was over"),
}


class Command(BaseCommand):
    help = (
        "Look for what must never be: in our tables (read only; safe beside running workers) and, "
        "with --simulator, in the simulated backend's log. Exit code 1 when something is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--simulator", action="store_true", help="compare with the simulator's log and judge"
        )
        parser.add_argument(
            "--canary",
            action="append",
            default=[],
            metavar="TEXT",
            help="a password or token of a trial that must be in no table; may be repeated",
        )
        parser.add_argument(
            "--at-rest",
            action="store_true",
            help="no workers run: leave out what only they can keep (nothing due lies about)",
        )
        parser.add_argument("--json", action="store_true", help="one JSON document, for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        found = invariants_check.check(_database_time(), timely=not options["at_rest"])
        found += invariants_secrets.check(options["canary"])
        if options["simulator"]:
            found += _simulated()
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in found], indent=2))
        else:
            self._tell(found)
        if found:
            sys.exit(1)

    def _tell(self, found: list[Finding]) -> None:
        for finding in found:
            self.stdout.write(f"{finding.invariant:<4} {finding.count:>7}  {finding.what}")
            for example in finding.examples:
                self.stdout.write(f"              {example}")
        asked = len(invariants_check.RULES)
        if found:
            broken = sorted(
                {finding.invariant for finding in found}, key=lambda name: int(name[1:])
            )
            self.stdout.write(f"WRONG: {', '.join(broken)}")
        else:
            self.stdout.write(f"right: {asked} questions asked, nothing found")


def _database_time() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _simulated() -> list[Finding]:
    if not simulator_client.is_configured():
        raise CommandError("--simulator needs SIMULATOR_URL and SIMULATOR_CONTROL_TOKEN.")
    try:
        verdict = simulator_client.judge()
        items = [
            item for name in invariants_backend.STEPS for item in simulator_client.whole_log(name)
        ]
    except (simulator_client.Away, simulator_client.Refused) as error:
        raise CommandError(f"The simulator does not answer: {error}") from error
    cases: dict[str, Case] = {name: getattr(verdict, name) for name in JUDGED}
    judged = [
        Finding(*JUDGED[name], case.count, list(case.cases))
        for name, case in cases.items()
        if case.count
    ]
    return judged + invariants_backend.compare(invariants_backend.read(items))
