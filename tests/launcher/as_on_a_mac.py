"""Takes from this process what Linux has and a Mac has not: /proc, prctl and os.waitid."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from partnerhub.local import parent_death

NAME = "AS_ON_A_MAC"
_read_text = Path.read_text


def pretend(patch=setattr, remove=delattr) -> None:
    """Take them away for good, or by a MonkeyPatch's `setattr` and `delattr`."""
    patch(Path, "read_text", _read_but_proc)
    patch(parent_death, "_libc", None)
    patch(sys, "platform", "darwin")  # prctl, in the bootstrap
    remove(os, "waitid")


def _read_but_proc(path: Path, *arguments, **options) -> str:
    if str(path).startswith("/proc/"):
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return _read_text(path, *arguments, **options)
