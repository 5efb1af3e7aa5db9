"""`make messages`: collects texts for translation, without gettext (message_extraction.py)."""

from __future__ import annotations

import os
import subprocess
import sys

from partnerhub.local.bootstrap import ROOT
from partnerhub.local.run_checks import ENVIRONMENT


def main() -> int:
    """Bring locale/da up to date with the texts in code and templates."""
    command = [sys.executable, "manage.py", "messages"]
    return subprocess.call(command, cwd=ROOT, env={**ENVIRONMENT, **os.environ})  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
