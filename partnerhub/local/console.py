"""What `make run` tells the person in front of it; never a reason to fail."""

from __future__ import annotations

import contextlib


def say(text: str) -> None:
    """Print one line at once; a terminal or a pipe that has gone is no reason to die."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)  # noqa: T201 - this is the command line's voice


def last_lines(text: str, count: int = 15) -> str:
    """Return the end of a log's text, indented, for showing beside a failure."""
    return "\n".join(f"    {line[:500]}" for line in text.splitlines()[-count:])
