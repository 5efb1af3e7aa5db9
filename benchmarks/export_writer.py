"""Writes exports as a worker does: reads their ids, one on a line, and answers by how many MB the
process's largest memory exceeded what it had before.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_SELF = Path("/proc/self")


def memory(name: str) -> float:
    """A figure of /proc/self/status in MB; 0 on a system without."""
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB", (_SELF / "status").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def forget_largest() -> None:
    """Let the largest memory be counted from now on (proc(5): 5 resets VmHWM)."""
    try:
        (_SELF / "clear_refs").write_text("5")
    except OSError:
        return


def main() -> None:
    """Write until the input ends."""
    import django

    django.setup()
    from provisioning.exports import services as export_services

    for line in sys.stdin:
        forget_largest()
        before = memory("VmRSS")
        export_services.write(int(line))
        print(f"{max(memory('VmHWM') - before, 0.0):.3f}", flush=True)


if __name__ == "__main__":
    main()
