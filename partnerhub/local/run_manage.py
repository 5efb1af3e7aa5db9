"""`make messages`, `make migrations`: commands of manage.py that need no server, and no secrets.

Texts are collected without gettext (message_extraction.py).
"""

from __future__ import annotations

import os
import subprocess
import sys

from partnerhub.local.bootstrap import ROOT
from partnerhub.local.run_checks import ENVIRONMENT

COMMANDS = {"messages": "messages", "migrations": "makemigrations"}


def main(name: str, argv: list[str]) -> int:
    """Run the command of manage.py that a command of the Makefile names, with what follows."""
    # Django warns that it cannot ask the database, which is not there, about migrations.
    command = [sys.executable, "-W", "ignore::RuntimeWarning", "manage.py", COMMANDS[name], *argv]
    return subprocess.call(command, cwd=ROOT, env={**ENVIRONMENT, **os.environ})  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
