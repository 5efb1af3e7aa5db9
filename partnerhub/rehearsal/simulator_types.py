"""What the simulator's control API answers, as values with types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
#: Characters of an option that are shown.
WIDE = 120


def moment(text: str | None) -> datetime | None:
    """A time of the control API, ISO 8601; raises ValueError for anything else."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


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
    def told_options(self) -> str:
        """The options on one line, long ones cut."""
        told = (f"{name}: {json.dumps(value)}" for name, value in self.options.items())
        return ", ".join(text if len(text) <= WIDE else f"{text[:WIDE]}…" for text in told)

    @property
    def percent(self) -> float:
        """How many of a hundred matching requests are struck."""
        return round(self.probability * 100, 2)


@dataclass(frozen=True)
class Running:
    """What the backend does on purpose: `title` of a scenario (`name`), and all its faults."""

    running: bool
    title: str
    since: datetime | None
    ends_at: datetime | None
    faults: tuple[Fault, ...]
    name: str = ""

    @classmethod
    def of(cls, answer: Json) -> Running:
        """Read the answer of `GET rehearsal`."""
        scenario = answer.get("scenario") or {}
        return cls(
            running=bool(answer["running"]),
            name=scenario.get("name") or "",
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
    """A BroadWorks login of a scenario, and what comes of it.

    `email`: the address to type; `expect`: ok, or the code of the refusal.
    """

    user_id: str
    password: str = field(repr=False)
    expect: str
    email: str = ""
    name: str = ""

    @classmethod
    def of(cls, item: Json) -> Login:
        """Read one of the items."""
        words = {name: str(item.get(name) or "") for name in ("expect", "email", "name")}
        return cls(user_id=item["user_id"], password=item["password"], **words)


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
            logins=tuple(Login.of(login) for login in logins),
        )
