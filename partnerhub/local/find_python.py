"""Chooses the Python that `.venv` is made of: the newest that we support and that is here.

Standard library only, and readable by an old Python: bootstrap.py is the one who says what for.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple

from partnerhub.local.checkout import run, stop

#: What the locks hold wheels for (wheel_table.py) and `make check` looks at; oldest first.
SUPPORTED = ((3, 11), (3, 12), (3, 13), (3, 14))
IN_WORDS = "Python {}.{} to {}.{}".format(*SUPPORTED[0], *SUPPORTED[-1])
HOMES = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")

# Answers its version, and what it lacks of what we need.
_QUESTION = """
import sys, sysconfig
lacks = []
if sys.implementation.name != "cpython":
    lacks.append("not CPython")
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    lacks.append("free-threaded, which packages have no wheels for")
try:
    import ensurepip, venv
except ImportError:
    lacks.append("without its modules venv and ensurepip")
print("%d.%d" % sys.version_info[:2] + ":" + ", ".join(lacks))
"""


class Found(NamedTuple):
    """A Python: where it lies, its version, and why it is of no use, if so."""

    path: str
    version: tuple[int, int]
    lacks: str

    @property
    def is_usable(self) -> bool:
        """Tell whether the product can run on it."""
        return self.version in SUPPORTED and not self.lacks

    def __str__(self) -> str:
        version = "{}.{}".format(*self.version)
        return f"{self.path} ({version}{', ' if self.lacks else ''}{self.lacks})"


def find_python() -> str:
    """Return the newest Python that we support; the one that PYTHON names, if it is set.

    Ends with words when there is none.
    """
    given = os.environ.get("PYTHON")
    found = [python for python in map(_look_at, _places(given)) if python]
    usable = [python for python in found if python.is_usable]
    if usable:
        return max(usable, key=lambda python: python.version).path
    stop(
        f"This needs {IN_WORDS} with its modules venv and ensurepip, and found only:\n  "
        + ("\n  ".join(map(str, found)) or "none that runs")
        + "\nOn Debian or Ubuntu, as root: apt-get install python3 python3-venv"
        + "\nOn a Mac with Homebrew: brew install python@{}.{}".format(*SUPPORTED[-1])
    )


def _places(given: str | None) -> list[str]:
    """Return where Pythons may lie, each place once."""
    if given:
        return [shutil.which(given) or given]
    names = ["python{}.{}".format(*version) for version in reversed(SUPPORTED)] + ["python3"]
    places = [sys.executable, *(shutil.which(name) or "" for name in names)]
    places += [f"{home}/{name}" for home in HOMES for name in names]
    return [place for place in dict.fromkeys(places) if os.access(place, os.X_OK)]


def _look_at(path: str) -> Found | None:
    """Ask a Python about itself; None when it doesn't run."""
    try:
        answer = run([path, "-c", _QUESTION], kept=True)
        version, _, lacks = answer.stdout.strip().rpartition("\n")[2].partition(":")
        major, minor = map(int, version.split("."))
    except (OSError, ValueError):
        return None
    return Found(path, (major, minor), lacks)
