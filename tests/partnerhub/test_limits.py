from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SLOW = """
import django
django.setup()
from django.db import OperationalError, connection
try:
    connection.cursor().execute("SELECT pg_sleep(3600)")
except OperationalError as error:
    print(type(error).__name__, error)
"""


def test_a_statement_that_takes_too_long_is_broken_off():
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "partnerhub.settings",
        "STATEMENT_SECONDS": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", SLOW],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert "statement timeout" in done.stdout
