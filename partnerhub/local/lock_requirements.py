"""`make lock`: pins what requirements/*.in name, with hashes and without registry addresses.

The locks are replaced only when there are wheels for every Python and machine that we support.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from partnerhub.local import wheel_table
from partnerhub.local.checkout import ROOT
from partnerhub.local.console import say
from partnerhub.local.find_python import SUPPORTED
from partnerhub.local.install_packages import UV_INDEXES, UV_PIN, pip_settings

LOCKS = ROOT / "requirements"
SETS = ("prod", "local", "dev")
# Extras stay: the pip that Python 3.11 brings doesn't see that `coverage==7` pins a package's
# `coverage[toml]>=6` too, so that it would take the newest, which no hash names, and end.
FORM = ("--generate-hashes", "--no-strip-extras", "--no-annotate", "--no-header")


def main(argv: list[str]) -> int:
    """Write requirements/*.txt anew; `--upgrade` and the like go to uv."""
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        if code := max(_lock(one, fresh / f"{one}.txt", argv) for one in SETS):
            return code
        say(f"Looking for wheels of {UV_PIN.name} and dev.txt, which holds the other two ...")
        pins = [*wheel_table.pins(UV_PIN), *wheel_table.pins(fresh / "dev.txt")]
        try:
            table = wheel_table.look_up(pins)
        except wheel_table.IndexFailed as error:
            say(f"Refused: the package index could not be asked.\n{error}")
            return 1
        say("\n".join(wheel_table.lines(table)))
        if any(table.values()):
            say("Refused: the locks stay as they are, as each package needs a wheel everywhere.")
            return 1
        for one in SETS:
            shutil.copyfile(fresh / f"{one}.txt", LOCKS / f"{one}.txt")
    say(f"uv itself is pinned by hand in {UV_PIN.relative_to(ROOT)}")
    return 0


def _lock(one: str, fresh: Path, argv: list[str]) -> int:
    """Resolve a set for every Python and system at once, near to what is locked now."""
    shutil.copyfile(LOCKS / f"{one}.txt", fresh)
    oldest = "{}.{}".format(*SUPPORTED[0])
    how = ["--universal", "--python", sys.executable, "--python-version", oldest]
    how += [*UV_INDEXES, *FORM, *argv]
    command = [sys.executable, "-m", "uv", "pip", "compile", "-q", *how]
    command += [f"requirements/{one}.in", "-o", str(fresh)]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, **pip_settings()})  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
