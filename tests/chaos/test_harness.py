"""The command: what it refuses, and that it leaves no process behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from chaos.faults import FAULTS, NOT_RUN
from chaos.faults.base import SOAK
from partnerhub.local.bootstrap import ROOT

CHAOS = [sys.executable, "-m", "chaos"]
MODULES = sorted((ROOT / "chaos").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_is_not_longer_than_a_reading(path):
    assert len(path.read_text().splitlines()) <= 300


def test_every_fault_of_the_plan_is_run_or_named_with_its_reason():
    known = {re.sub(r"\D+$", "", number) for number in [*FAULTS, *NOT_RUN]}

    assert known == {f"F{number}" for number in range(1, 33)}
    assert FAULTS.keys() & NOT_RUN.keys() == {SOAK}


def test_tests_that_a_reason_names_exist():
    for _title, reason in NOT_RUN.values():
        for name in re.findall(r"tests/[\w/]+\.py", reason):
            assert (ROOT / name).exists(), name


def test_every_fault_says_what_must_hold():
    assert all(fault.play.__doc__ for fault in FAULTS.values())


def test_a_fault_that_does_not_exist_is_refused():
    done = subprocess.run(
        [*CHAOS, "--faults", "F77"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "There is no fault 'F77'" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_stays_when_it_is_ended(ending):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        mark = {"CHAOS_TEST_MARK": folder}
        said = Path(folder) / "said"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [*CHAOS, "--faults", "F1", "--smoke"], cwd=ROOT,
                env={**os.environ, **mark, "TMPDIR": folder, "FAULTS": ""},
                stdout=out, stderr=out,
            )  # fmt: skip
        _until(lambda: any("chaos.worker" in " ".join(_words(one)) for one in _marked(folder)))
        process.send_signal(ending)
        process.wait(60)
        assert "Timeout" not in said.read_text()  # nothing hung while all was taken down

        _until(lambda: not _marked(folder))


def _until(true, seconds: float = 100.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _marked(folder: str) -> list[psutil.Process]:
    """Everything that inherited our mark."""
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("CHAOS_TEST_MARK") == folder
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # it ended while we looked
            continue
    return found
