"""The form of a rule and of what was found against it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """Something that must never be.

    Attributes:
        invariant: "I1" to "I16".
        what: what is wrong, in a plain sentence.
        count: how often.
        examples: a few of them: mostly the uuid of a job, a user or a batch.
    """

    invariant: str
    what: str
    count: int
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rule:
    """A question whose every row is a breach.

    Attributes:
        invariant, what: as in Finding.
        sql: a SELECT with one column `example`; may use %(now)s, %(late)s and %(overdue)s.
        timely: it is broken also by workers that do not run.
    """

    invariant: str
    what: str
    sql: str
    timely: bool = False
