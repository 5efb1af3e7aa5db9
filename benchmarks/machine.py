"""The machine: its processors, who may use which, and how much of them a process has used."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

PIN = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.execv(sys.argv[2], sys.argv[2:])
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """One core for what is measured, the others for database and load; None: cannot be kept."""

    measured: int | None
    others: frozenset[int]

    @property
    def words(self) -> str:
        """What the table says about it."""
        if self.measured is None:
            return "NOT pinned: this machine has one core, or is no Linux"
        return f"measured process on core {self.measured} alone, all else on the others"


def share_out() -> Cores:
    """Keep this process and those it will start off one core; return which."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, frozenset())
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return Cores(None, frozenset(cores))
    os.sched_setaffinity(0, cores[1:])
    return Cores(cores[0], frozenset(cores[1:]))


def pinned(core: int | None, command: list[str]) -> list[str]:
    """Return a command that keeps itself and its children on one core."""
    if core is None:
        return command
    return [sys.executable, "-c", PIN, str(core), *command]


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, dead or alive; 0 without /proc."""
    return sum(_own_cpu(member) for member in _family(pid))


def _family(pid: int) -> list[int]:
    # /proc/<pid>/task/<tid>/children may leave some out while any process ends (proc(5)).
    everybody = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    children = [one for one in everybody if (fields := _stat(one)) and int(fields[1]) == pid]
    return [pid, *(member for child in children for member in _family(child))]


def _own_cpu(pid: int) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) / TICKS if fields else 0.0  # own, then of dead children


def _stat(pid: int) -> list[str]:
    """Return what stands behind the name in a process's line; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def words() -> str:
    """Return the machine's line: cores, how busy they are, and the Python."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{system}, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
