"""`make reset`: forgets all data of the local run, the private folder outside included."""

from __future__ import annotations

import shutil
import sys

from partnerhub.local import private_dirs
from partnerhub.local.bootstrap import RUN
from partnerhub.local.console import say

KEPT = {"lock", "install.lock"}  # held by us, or by an install that goes on beside us


def main() -> int:
    """Remove everything below `.run/`; the caller holds its lock."""
    private_dir = private_dirs.remove_private_dir(RUN)
    for entry in RUN.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    say(f"Forgotten: {RUN}" + (f" and {private_dir}" if private_dir else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
