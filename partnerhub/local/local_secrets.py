"""Secrets of a local run: made once, kept in files that only their owner can read."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old or the new text, never half."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def kept(path: Path, make: Callable[[], str]) -> str:
    """Return the secret kept in `path`; the first call makes it."""
    with contextlib.suppress(FileNotFoundError):
        if found := path.read_text().strip():
            return found
    secret = make()
    write_private(path, secret)
    return secret


def token_key() -> str:
    """Return a fresh key for the settings' TOKEN_KEYS: "<key id>:<base64 of 32 bytes>"."""
    return f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def server_password() -> str:
    """Return a password for PostgreSQL or Redis: 128 random bits that need no quoting in a URL."""
    return secrets.token_hex(16)


def demo_password() -> str:
    """Return 80 random bits that are easy to type: four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def write_environment(path: Path, values: Mapping[str, str]) -> None:
    """Keep the environment for people who want to run `manage.py` beside a running product."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    write_private(path, "\n".join(lines) + "\n")
