"""`python -m chaos.set_clock <module> <arguments>`: a process whose wall clock may be set.

A file says how many seconds it is wrong; when that changes the clock jumps, as after a wrong time
server. The monotonic clock goes on.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from pathlib import Path

import time_machine

#: Where a process finds the name of the file.
VARIABLE = "CHAOS_CLOCK_FILE"
_LOOK_SECONDS = 0.2


def main() -> None:
    """Follow the file, and be the module."""
    _follow()
    os.register_at_fork(after_in_child=_follow)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _follow() -> None:
    threading.Thread(target=_watch, args=[Path(os.environ[VARIABLE])], daemon=True).start()


def _watch(file: Path) -> None:
    set_to, travel = 0.0, None
    while True:
        wrong_by = float(file.read_text())
        if wrong_by != set_to:
            if travel:
                travel.stop()
            right = time_machine.escape_hatch.time.time()
            travel = time_machine.travel(right + wrong_by, tick=True)
            travel.start()
            set_to = wrong_by
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()
