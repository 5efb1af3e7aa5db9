"""What a test needs of the machine; without it the test is skipped, and the run says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def need_tool(name: str) -> None:
    """Skip the test that asks, with words, where a program is missing."""
    if not shutil.which(name):
        pytest.skip(f"NOT TESTED: there is no program {name} on this machine")


def need_proc() -> None:
    """Skip the test that asks where there is no /proc, which only Linux has."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("NOT TESTED: finds its processes in /proc, which this machine has not")
