"""What the clients of a run saw with their own eyes: the record that everything is judged by."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One try to have an action accepted.

    Attributes:
        at: when it was asked, seconds since 1970.
        took: seconds until the answer.
        outcome: "accepted", "refused" (a clear no: `detail` is the code) or "unclear".
        job: the UUID that was answered; "" unless accepted, or when a page was the answer.
    """

    at: float
    took: float
    outcome: str
    kind: str
    user: str
    submission: str
    job: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Event:
    """Something that the nemesis did."""

    at: float
    what: str
    detail: str = ""


class History:
    """Entries and events of one run, kept in memory and, line by line, in a file."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        self._lock = threading.Lock()
        self._file = path.open("a")

    def add(self, entry: Entry) -> None:
        """Keep what a client saw."""
        with self._lock:
            self.entries.append(entry)
            self._write(asdict(entry))

    def tell(self, what: str, detail: str = "") -> Event:
        """Keep what the nemesis did just now."""
        event = Event(time.time(), what, detail)
        with self._lock:
            self.events.append(event)
            self._write(asdict(event))
        return event

    def accepted(self) -> list[Entry]:
        """All entries that were answered with a job."""
        return [entry for entry in self.entries if entry.outcome == "accepted"]

    def perhaps(self) -> set[str]:
        """Submissions that may have been accepted without their client ever learning it."""
        known = {entry.submission for entry in self.accepted()}
        unclear = (entry for entry in self.entries if entry.outcome == "unclear")
        return {entry.submission for entry in unclear} - known

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, values: dict[str, object]) -> None:
        self._file.write(json.dumps(values) + "\n")
        self._file.flush()
