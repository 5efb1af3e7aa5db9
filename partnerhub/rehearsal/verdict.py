"""What the simulator's judge and its request log answer, as values with types."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from partnerhub.rehearsal.simulator_types import Json, moment

#: Cases of the judge that are shown.
CASES = 10
#: Requests that only read.
READS = frozenset({"list", "get", "enterprises"})


def fault_words(logged: str) -> str:
    """Number and kind of a fault as the log names it: `7 too_many {…}`."""
    number, _, rest = logged.partition(" ")
    return f"#{number} {rest.partition(' ')[0]}".strip() if number else ""


@dataclass(frozen=True)
class Finding:
    """How often the judge saw something, and the first of the cases, each one line to read."""

    count: int
    cases: tuple[str, ...]

    @classmethod
    def of(cls, answer: Json) -> Finding:
        """Read one of the judge's lists."""
        return cls(int(answer["count"]), tuple(_case(item) for item in answer["items"][:CASES]))


def _case(item: Json) -> str:
    who = item.get("user_id") or item.get("token_name") or ""
    lines = item.get("lines") or [item.get("first"), item.get("second")]
    return f"{who}: {', '.join(f'#{line}' for line in lines if line)}"


@dataclass(frozen=True)
class Count:
    """Requests of one operation with one answer."""

    operation: str
    status: int
    fault: str
    requests: int
    effects: int
    sent: int

    @classmethod
    def of(cls, row: Json) -> Count:
        """Read one row of the judge's counts."""
        numbers = {name: int(row[name]) for name in ("status", "requests", "effects", "sent")}
        return cls(operation=row["operation"], fault=fault_words(row["fault"]), **numbers)


@dataclass(frozen=True)
class Verdict:
    """What the judge found in this run; `repeated` alone is no fault of the client."""

    right: bool
    lines: int
    doubled: Finding
    overlaps: Finding
    early: Finding
    repeated: Finding
    counts: tuple[Count, ...]

    @classmethod
    def of(cls, answer: Json) -> Verdict:
        """Read the answer of `GET judge`."""
        return cls(
            right=bool(answer["right"]),
            lines=int(answer["lines"]),
            doubled=Finding.of(answer["doubled"]),
            overlaps=Finding.of(answer["overlaps"]),
            early=Finding.of(answer["early"]),
            repeated=Finding.of(answer["repeated"]),
            counts=tuple(Count.of(row) for row in answer["counts"]),
        )


@dataclass(frozen=True)
class Line:
    """One request as the backend saw it.

    `answer`: sent, not sent or unknown; `fault`: number and kind of what struck it, or empty.
    """

    id: int
    at: datetime | None
    token_name: str
    operation: str
    user_id: str
    status: int
    effect: bool
    answer: str
    fault: str

    @property
    def is_request(self) -> bool:
        """Tell whether somebody asked; else the backend's own world moved."""
        return self.operation != "control"

    @property
    def tells(self) -> bool:
        """Tell whether there is more to it than a read that went well."""
        undisturbed = self.status == 200 and not self.fault and self.answer == "sent"
        return self.effect or not undisturbed or self.operation not in READS

    @classmethod
    def of(cls, item: Json) -> Line:
        """Read one of the items."""
        return cls(
            id=int(item["id"]),
            at=moment(item.get("at")),
            token_name=item.get("token_name", ""),
            operation=item.get("operation", ""),
            user_id=item.get("user_id", ""),
            status=int(item.get("status", 0)),
            effect=bool(item.get("effect")),
            answer=str(item.get("answer", "sent")),
            fault=fault_words(str(item.get("fault", ""))),
        )
