"""`make messages`: collects texts for translation; for developers, as it needs Debian's gettext."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from partnerhub.local.bootstrap import ROOT
from partnerhub.local.checking import ENVIRONMENT
from partnerhub.local.console import say

OPTIONS = ("--no-wrap", "--no-obsolete", "--add-location", "file")
IGNORED = (".venv", ".run", "tests", "simulator", "benchmarks")


def main() -> int:
    """Bring locale/da up to date with the texts in code and templates."""
    if not shutil.which("msgmerge"):
        say("This needs gettext. On Debian or Ubuntu, as root: apt-get install gettext")
        return 1
    ignored = [part for folder in IGNORED for part in ("--ignore", f"{folder}/*")]
    command = [sys.executable, "manage.py", "makemessages", "-l", "da", *OPTIONS, *ignored]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, **ENVIRONMENT})  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
