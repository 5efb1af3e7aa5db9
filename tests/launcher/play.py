"""Runs the real supervisor in a folder of its own: `python -m tests.launcher.play FOLDER`.

FOLDER/specs.json lists stand-in processes, each a shell line that calls `up` once it is as far as
the test needs it; without the file the whole product runs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from partnerhub.local import bootstrap
from partnerhub.local.managed_process import Spec
from partnerhub.local.processes import Place, Plan, given_environment
from partnerhub.local.supervisor import Reaper, Supervisor, announcement, take_over_lock
from tests.launcher import as_on_a_mac

UP = "stand-in is up"


def main(folder: Path) -> int:
    if as_on_a_mac.NAME in os.environ:
        as_on_a_mac.pretend()
    bootstrap.RUN = folder
    lock = bootstrap.take_run_lock()
    os.environ["RUN_LOCK_FD"] = str(lock.fileno())
    number = take_over_lock("http://127.0.0.1:1")
    bootstrap.die_with_parent()
    specs, lines = what_to_run(folder)
    reaper = Reaper(number)
    code = Supervisor(specs, folder, reaper).run(lines)
    reaper.dismiss()
    return code


def what_to_run(folder: Path) -> tuple[list[Spec], list[str]]:
    if (folder / "specs.json").exists():
        values = json.loads((folder / "specs.json").read_text())
        return [spec(**one) for one in values], ["ready http://127.0.0.1:1"]
    ports = int(os.environ["PORT"]), int(os.environ["SIMULATOR_PORT"])
    place = Place(folder, *ports, given=given_environment())
    plan = Plan(place)
    return plan.everything(), announcement(place, plan, place.url)


def spec(name: str, line: str, **values) -> Spec:
    return Spec(
        name=name,
        command=("/bin/sh", "-c", f"up() {{ echo {UP}; }}; {line}"),
        environment=dict(os.environ),
        ready=lambda log: UP in log,
        **values,
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
