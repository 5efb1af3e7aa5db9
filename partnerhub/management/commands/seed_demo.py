"""Fill an empty database with the demo and say how to try it."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Partner
from partnerhub.demo import seed


class Command(BaseCommand):
    help = "Make the demo partners, people, templates and users (through the simulator)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty", action="store_true", help="do nothing when a partner exists"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.EMBEDDED or settings.DEMO):
            raise CommandError("Demo data belongs into the embedded database, or set DEMO=1.")
        old = _read()
        password = settings.DEMO_PASSWORD or old.get("password") or secrets.token_urlsafe(9)
        if Partner.objects.exists():
            if not options["if_empty"]:
                raise CommandError("There are partners already; --if-empty leaves them alone.")
            seed.move(old)
        else:
            _seed(password)
            self.stdout.write("seeded")
        if settings.DEMO_FILE:
            _write(old | seed.facts(password))


def _seed(password: str) -> None:
    try:
        seed.seed(password)
    except seed.SimulatorAway as error:
        raise CommandError(f"The simulator did not take the demo: {error}") from error


def _read() -> dict[str, Any]:
    try:
        found = json.loads(Path(settings.DEMO_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(facts: dict[str, Any]) -> None:
    """In one step and for the owner only: readers never meet half a file."""
    path = Path(settings.DEMO_FILE)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(facts, file, ensure_ascii=False, indent=2)
    Path(name).replace(path)
