"""`make lock`: pins what requirements/*.in name, with hashes and without registry addresses."""

from __future__ import annotations

import subprocess
import sys

from partnerhub.local.bootstrap import ROOT, UV_PIN
from partnerhub.local.console import say

SETS = ("prod", "local", "dev")
# Extras stay: the pip that Python 3.11 brings doesn't see that `coverage==7` pins a package's
# `coverage[toml]>=6` too, so that it would take the newest, which no hash names, and end.
FORM = ("--generate-hashes", "--no-strip-extras", "--no-annotate", "--no-header")


def main(argv: list[str]) -> int:
    """Write requirements/*.txt anew; `--upgrade` and the like go to uv."""
    uv = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--system-certs", *argv]
    for name in SETS:
        files = [f"requirements/{name}.in", "-o", f"requirements/{name}.txt"]
        command = [*uv, "--python-version", "3.11", *FORM, *files]
        if code := subprocess.call(command, cwd=ROOT):  # noqa: S603 - our own command line
            return code
        say(f"requirements/{name}.txt")
    say(f"uv itself is pinned by hand in {UV_PIN.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))
