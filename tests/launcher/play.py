"""Runs the real supervisor on small stand-in processes: `python -m tests.launcher.play FOLDER`.

FOLDER/specs.json lists the processes; each is a shell line.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from partnerhub.local import bootstrap
from partnerhub.local.keeper import Spec
from partnerhub.local.supervisor import Supervisor, Undertaker, take_over_lock


def main(folder: Path) -> int:
    bootstrap.RUN = folder
    lock = bootstrap.take_run_lock()
    os.environ["RUN_LOCK_FD"] = str(lock.fileno())
    number = take_over_lock("http://127.0.0.1:1")
    bootstrap.die_with_parent()
    specs = [spec(**values) for values in json.loads((folder / "specs.json").read_text())]
    undertaker = Undertaker(number)
    code = Supervisor(specs, folder, undertaker).run(["ready http://127.0.0.1:1"])
    undertaker.dismiss()
    return code


def spec(name: str, line: str, **values) -> Spec:
    return Spec(name=name, command=("/bin/sh", "-c", line), environment=dict(os.environ), **values)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
