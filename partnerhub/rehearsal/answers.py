"""What the simulator's control API answers, as values with types."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
#: Cases of the judge that are shown.
CASES = 10


def moment(text: str | None) -> datetime | None:
    """A time of the control API, ISO 8601; raises ValueError for anything else."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def fault_words(logged: str) -> str:
    """Number and kind of a fault as the log names it: `7 too_many {…}`."""
    number, _, rest = logged.partition(" ")
    return f"#{number} {rest.partition(' ')[0]}".strip() if number else ""


@dataclass(frozen=True)
class Fault:
    """One rule of misbehaviour, and how often it struck."""

    id: int
    kind: str
    title: str
    token_name: str
    operation: str
    probability: float
    script: str
    seed: str
    times: int | None
    hits: int
    starts_at: datetime | None
    ends_at: datetime | None
    options: Json

    @classmethod
    def of(cls, item: Json) -> Fault:
        """Read one of the items."""
        return cls(
            id=int(item["id"]),
            kind=item.get("kind", ""),
            title=item.get("title") or item.get("kind") or "",
            token_name=item.get("token_name", "*"),
            operation=item.get("operation", "*"),
            probability=float(item.get("probability", 1)),
            script=item.get("script", ""),
            seed=item.get("seed", ""),
            times=item.get("times"),
            hits=int(item.get("hits", 0)),
            starts_at=moment(item.get("starts_at")),
            ends_at=moment(item.get("ends_at")),
            options=dict(item.get("options") or {}),
        )

    @property
    def operations(self) -> str:
        """The operations as one reads them."""
        return ", ".join(self.operation.split(","))

    @property
    def percent(self) -> float:
        """How many of a hundred matching requests are struck."""
        return round(self.probability * 100, 2)


@dataclass(frozen=True)
class Running:
    """What the backend does on purpose: `title` of a scenario, and all its faults."""

    running: bool
    title: str
    since: datetime | None
    ends_at: datetime | None
    faults: tuple[Fault, ...]

    @classmethod
    def of(cls, answer: Json) -> Running:
        """Read the answer of `GET rehearsal`."""
        scenario = answer.get("scenario") or {}
        return cls(
            running=bool(answer["running"]),
            title=scenario.get("title") or scenario.get("name") or "",
            since=moment(answer.get("since")),
            ends_at=moment(answer.get("ends_at")),
            faults=tuple(Fault.of(item) for item in answer.get("faults", [])),
        )


@dataclass(frozen=True)
class Option:
    """What can be set of a kind; `values`, if there are any, are all that it may be."""

    name: str
    default: Any
    description: str
    values: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None

    @classmethod
    def of(cls, name: str, told: Json) -> Option:
        """Read one of a kind's options."""
        values = tuple(told.get("values") or ())
        limits = told.get("least"), told.get("most")
        return cls(name, told.get("default"), told.get("description", ""), values, *limits)


@dataclass(frozen=True)
class Kind:
    """Something that can go wrong; `operations` without an entry: in any of them."""

    kind: str
    title: str
    description: str
    operations: tuple[str, ...]
    options: tuple[Option, ...]

    @classmethod
    def of(cls, item: Json) -> Kind:
        """Read one of the items."""
        operations = item.get("operations") or []
        if isinstance(operations, str):
            operations = operations.split(",")
        named = [name.strip() for name in operations]
        options = [Option.of(name, told) for name, told in (item.get("options") or {}).items()]
        return cls(
            kind=item["kind"],
            title=item.get("title") or item["kind"],
            description=item.get("description", ""),
            operations=tuple(name for name in named if name != "*"),
            options=tuple(options),
        )


@dataclass(frozen=True)
class Scenario:
    """A story that can be loaded, and what to look at meanwhile."""

    name: str
    title: str
    description: str
    watch: tuple[str, ...]

    @classmethod
    def of(cls, item: Json) -> Scenario:
        """Read one of the items."""
        watch = item.get("watch") or []
        watch = [watch] if isinstance(watch, str) else watch
        return cls(item["name"], item["title"], item.get("description", ""), tuple(watch))


@dataclass(frozen=True)
class Login:
    """A BroadWorks login of a scenario, and what comes of it."""

    user_id: str
    password: str = field(repr=False)
    expect: str


@dataclass(frozen=True)
class Loaded:
    """What a scenario brought; `template` are the settings that it wants."""

    name: str
    title: str
    loaded: Json
    faults: int
    template: Json
    logins: tuple[Login, ...]

    @classmethod
    def of(cls, answer: Json) -> Loaded:
        """Read the answer of `POST scenarios/<name>`."""
        logins = answer.get("logins") or []
        return cls(
            name=answer["name"],
            title=answer["title"],
            loaded=dict(answer.get("loaded") or {}),
            faults=int(answer.get("faults", 0)),
            template=dict(answer.get("template") or {}),
            logins=tuple(
                Login(login["user_id"], login["password"], str(login.get("expect", "")))
                for login in logins
            ),
        )


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
