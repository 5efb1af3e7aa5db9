"""A worker of gunicorn that is told to end before its first turn ends all the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from partnerhub.local.servers import free_port
from tests.launcher.conftest import ROOT

#: The worker's first turn comes when its end has been asked for (or has been lost by now).
LATE = """
import os, signal, time
def late():
    print("born", flush=True)
    end = time.monotonic() + 2
    while not signal.sigpending() and time.monotonic() < end:
        time.sleep(0.01)
os.register_at_fork(after_in_child=late)
"""
#: Both with a master that waits for its workers for longer than the test does.
WEB = """
from gunicorn.app.wsgiapp import run
sys.argv = ["gunicorn", "-c", "gunicorn.conf.py", "--graceful-timeout", "300", "partnerhub.wsgi"]
run()
"""
SIMULATOR = """
from simulator import server
os.environ["DJANGO_SETTINGS_MODULE"] = "simulator.settings"
usual = server.options_for
server.options_for = lambda **values: usual(**values) | {"graceful_timeout": 300}
server.serve(host="127.0.0.1", port=int(os.environ["PORT"]), threads=2, workers=1)
"""


@pytest.mark.parametrize("serve", [WEB, SIMULATOR], ids=["web", "simulator"])
def test_a_worker_told_to_end_before_its_first_turn_ends(serve):
    port = str(free_port())
    environment = os.environ | {"PORT": port, "WEB_BIND": f"127.0.0.1:{port}", "WEB_WORKERS": "1"}
    command = [sys.executable, "-c", f"import os, sys\n{LATE}{serve}"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as master:
        try:
            assert master.stdout.readline() == b"born\n"

            master.terminate()

            assert master.wait(60) == 0
        finally:
            master.kill()
