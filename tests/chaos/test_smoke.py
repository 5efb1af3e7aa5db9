"""The short set of `make chaos`, on real processes: each fault is a test of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from partnerhub.local.bootstrap import ROOT

pytestmark = pytest.mark.long

FAULTS = ["F1", "F3", "F4", "F7", "F13"]
#: Of a whole set, on a machine that does other things beside it.
SECONDS = 600
#: Of 80 that are asked for: a clear no is no loss, and the notes tell of each.
ACTIONS = 72


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The set, played once; a folder of its own shows whether anything stays behind."""
    report = tmp_path_factory.mktemp("chaos") / "report.json"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        environment = {**os.environ, "TMPDIR": folder, "FAULTS": "", "SEED": ""}
        done = subprocess.run(
            [sys.executable, "-m", "chaos", "--smoke", "--report", str(report)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        left = [path.name for path in Path(folder).iterdir()]
    assert report.exists(), done.stdout + done.stderr
    lines = {line["number"]: line for line in json.loads(report.read_text())}
    return {"lines": lines, "code": done.returncode, "said": done.stdout, "left": left}


@pytest.mark.parametrize("number", FAULTS)
def test_a_fault_loses_and_doubles_nothing(played, number):
    line = played["lines"][number]

    assert line["problems"] == [], f"{line['notes']}\nkept: {line['kept']}\n{played['said'][-400:]}"
    assert line["actions"] >= ACTIONS, line["notes"]
    assert (line["lost"], line["doubled"]) == (0, 0)


def test_the_set_is_what_is_played_and_nothing_stays_behind(played):
    assert sorted(played["lines"]) == sorted(FAULTS)
    assert played["left"] == []
    assert played["code"] == 0
