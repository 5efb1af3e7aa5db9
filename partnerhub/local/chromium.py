"""The browser of the browser's tests: found, or installed where we may."""

from __future__ import annotations

import os
import shutil
import subprocess

from partnerhub.local.console import say

NAMES = ("chromium", "chromium-browser", "google-chrome")
ON_A_MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_chromium() -> str:
    """Return the path of Chromium, installed first where we may; empty when there is none."""
    if found := installed_chromium():
        return found
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return ""
    say("Installing Chromium for the browser tests ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        result = subprocess.run(  # noqa: S603
            ["apt-get", "-q", *words],  # noqa: S607 - wherever this Debian has it
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            say(f"apt-get {words[0]} failed: {result.stderr.strip()[-1000:]}")
    return installed_chromium()


def installed_chromium() -> str:
    """Return the path of the Chromium that is here; empty when there is none."""
    return next(filter(None, map(shutil.which, (*NAMES, *ON_A_MAC))), "")
