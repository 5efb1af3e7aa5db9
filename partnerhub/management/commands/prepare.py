"""Everything between an unpacked product and a served page, in one process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Migrate, make the cache table, compile translations, collect static files."

    def handle(self, *args: Any, **options: Any) -> None:
        compile_translations()
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write("prepared")


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
