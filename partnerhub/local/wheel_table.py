"""For which Pythons and machines a lock has wheels: all that we support, or it is refused.

The index is asked by uv, which can choose for another Python and another machine than this one's.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from partnerhub.local.find_python import SUPPORTED
from partnerhub.local.install_packages import UV_INDEXES, pip_settings

PYTHONS = tuple("{}.{}".format(*version) for version in SUPPORTED)
#: In words: as uv names it.
PLATFORMS = {
    "Linux x86-64, glibc 2.28": "x86_64-manylinux_2_28",
    "Linux ARM64, glibc 2.28": "aarch64-manylinux_2_28",
    "macOS 11, ARM": "aarch64-apple-darwin",
}
OLDEST_MAC = "11.0"
NO_SOLUTION = 1  # of uv; whatever else it ends with says nothing about wheels

#: What lacks a wheel, by Python and platform.
Table = Mapping[tuple[str, str], Sequence[str]]


class IndexFailed(Exception):
    """The index could not be asked; the text is uv's."""


def pins(lock: Path) -> list[str]:
    """Return what a lock pins, each with its marker and without its hashes."""
    found = re.findall(r"^([\w.,\-\[\]]+==[^\\\n]+)", lock.read_text(), re.MULTILINE)
    return [pin.strip() for pin in found]


def look_up(pinned: Sequence[str]) -> Table:
    """Return for each Python and platform which of the pins have no wheel for it.

    All are asked for at once; only where that fails each alone, as uv names but one of them.
    Raises IndexFailed.
    """
    table = {}
    settings = pip_settings()
    for python, platform in product(PYTHONS, PLATFORMS):
        there = ["--python-version", python, "--python-platform", PLATFORMS[platform]]
        has_all = _has_wheels(pinned, there, settings)
        table[python, platform] = [
            pin.partition(";")[0].strip()
            for pin in ([] if has_all else pinned)
            if not _has_wheels([pin], there, settings)
        ]
    return table


def lines(table: Table) -> list[str]:
    """Return the table in words, then what is missing."""
    width = max(map(len, PLATFORMS))
    found = [" " * width + "".join(f"{python:>8}" for python in PYTHONS)]
    for platform in PLATFORMS:
        words = ("no" if table[python, platform] else "yes" for python in PYTHONS)
        found.append(f"{platform:<{width}}" + "".join(f"{word:>8}" for word in words))
    for (python, platform), missing in table.items():
        found += [f"No wheel of {pin} for Python {python}, {platform}" for pin in missing]
    return found


def _has_wheels(pinned: Sequence[str], there: list[str], settings: Mapping[str, str]) -> bool:
    """Tell whether all pins that are wanted there have a wheel; raises IndexFailed."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--no-header", "--no-annotate"]
    # Told which Python to use for itself, uv doesn't try all that it finds, which takes seconds.
    command += ["--no-deps", "--only-binary", ":all:", *UV_INDEXES]
    command += ["--python", sys.executable, *there, "-"]
    asked = subprocess.run(  # noqa: S603 - our own command line
        command,
        input="\n".join(pinned),
        env={**os.environ, **settings, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MAC},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode not in {0, NO_SOLUTION}:
        raise IndexFailed(asked.stderr.strip())
    return asked.returncode == 0
