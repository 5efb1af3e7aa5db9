"""A database with all tables, made once for a run: each process of the tests copies it.

It is migrated by a process of its own while the tests are being read. Who wants to copy it waits
for a lock, which that process inherits and thereby holds until its end.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from partnerhub.local import databases, parent_death

ROOT = Path(__file__).resolve().parents[1]
NAME = "template_of_tests"
#: Where the lock is; not set where the server is somebody else's, whose databases we leave alone.
VARIABLE = "TEMPLATE_DATABASE_LOCK"
_making: list[subprocess.Popen[bytes]] = []


def begin(folder: Path) -> None:
    """Begin to make the template, beside DATABASE_URL's own database."""
    url = databases.ensure(os.environ["DATABASE_URL"], NAME)
    os.environ[VARIABLE] = str(folder / "template.lock")
    lock = os.open(os.environ[VARIABLE], os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with (folder / "template.log").open("wb") as log:
        making = subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock],
            preexec_fn=parent_death.die_with_parent(),
        )
    os.close(lock)
    _making.append(making)


def end() -> None:
    """End the making, should a run be over before it."""
    while _making:
        process = _making.pop()
        process.kill()
        process.wait()


def ready() -> str:
    """Return the name of the template once it is made, or nothing where there is none.

    One whose making failed is good enough: what it lacks is migrated in the copy, and fails there.
    """
    if not (path := os.environ.get(VARIABLE)):
        return ""
    with Path(path).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    return NAME
