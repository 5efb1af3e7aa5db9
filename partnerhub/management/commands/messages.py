"""`manage.py messages`: bring locale/da up to date with the texts in code and templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from partnerhub import message_extraction

METADATA = {
    "Project-Id-Version": "Partner Hub User Status",
    "Language": "da",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}


class Command(BaseCommand):
    help = "Collect texts for translation; keeps translations, drops what is gone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; fail if stale")

    def handle(self, *args: Any, check: bool = False, **options: Any) -> None:
        path = Path(settings.LOCALE_PATHS[0]) / "da" / "LC_MESSAGES" / "django.po"
        catalogue = read(path)
        changed = message_extraction.update(catalogue, message_extraction.collect())
        if check and changed:
            raise CommandError("locale/da is not up to date: run `make messages`")
        if changed:
            path.parent.mkdir(parents=True, exist_ok=True)
            catalogue.save(str(path))
        empty = len(catalogue.untranslated_entries()) + len(catalogue.fuzzy_entries())
        self.stdout.write(f"{len(catalogue)} texts, {empty} to translate")


def read(path: Path) -> polib.POFile:
    """The catalogue of a file, or a new one where there is none."""
    if path.exists():
        return polib.pofile(str(path), wrapwidth=100)
    catalogue = polib.POFile(wrapwidth=100)
    catalogue.metadata = METADATA
    return catalogue
