"""Everything between an unpacked product and a served page, in one process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polib
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

OTHER_VERSION = """\
Another version of the product made this database. It has migrations that are not here:
{names}.
Begin anew, without its data ({how}), or go back to that version."""
BY_RESET = "make reset, then make run"
BY_ANOTHER = "give an empty database as DATABASE_URL"


class Command(BaseCommand):
    help = "Migrate, make the cache table, compile translations, collect static files."

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_other_versions()
        compile_translations()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write("prepared")


def refuse_other_versions() -> None:
    """Raise CommandError when the database has migrations of ours that this checkout has not.

    Django would pass over them, and what is missing here would fail later, somewhere else.
    """
    loader = MigrationLoader(connection)
    strange = set(loader.applied_migrations) - set(loader.disk_migrations)
    names = sorted(f"{app} {name}" for app, name in strange if app in _own_apps())
    if names:
        how = BY_RESET if settings.EMBEDDED else BY_ANOTHER
        raise CommandError(OTHER_VERSION.format(names=", ".join(names), how=how))


def _own_apps() -> set[str]:
    """Labels of the apps that stand in this checkout, not in its .venv."""
    configs = apps.get_app_configs()
    return {one.label for one in configs if Path(one.path).parent == settings.BASE_DIR}


def compile_translations() -> None:
    """Write a .mo beside every .po that is newer; polib needs no gettext on the machine.

    Whoever reads meanwhile finds the old one or the new one, never a half.
    """
    for root in settings.LOCALE_PATHS:
        for source in Path(root).rglob("*.po"):
            target = source.with_suffix(".mo")
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                whole = target.with_name(f".{os.getpid()}-{target.name}")
                polib.pofile(str(source)).save_as_mofile(str(whole))
                whole.replace(target)
