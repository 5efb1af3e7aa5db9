"""What a simulated backend saw, beside our tables: every change it was asked for is a job's.

The lines are those of the simulator's request log (simulator/README.md, "Log and judge"). Requests
of other users of the same backend are told apart by the provisioning ID only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from provisioning import codes
from provisioning.engine import operations
from provisioning.invariants.rules import Finding
from provisioning.kinds import kind_of
from provisioning.models import Job, JobEvent
from provisioning.states import JobState
from templates_app.models import OnboardingTemplate

#: How far the clocks of database and backend may be apart.
SLACK = timedelta(seconds=1)
EXAMPLES = 5
#: The step of a job that an operation of the backend is.
STEPS = {"provision": "post", "update": "put", "remove": "delete"}
Key = tuple[str, str, str]


@dataclass(frozen=True)
class Line:
    """One change that the backend was asked for; `effects` lines of the log tell of an effect."""

    id: int
    at: datetime
    key: Key
    operation: str
    body_hash: str
    effects: int

    @property
    def label(self) -> str:
        return f"#{self.id} {self.operation}"


@dataclass
class _Sent:
    """A job with the times at which it was about to be sent, and the lines that are its."""

    job: Job
    hashes: dict[str, str]
    times: list[datetime] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def removes_twins(self) -> bool:
        """A delete by the user's key removes all that the backend holds of it."""
        return kind_of(self.job.kind).removes and not self.job.params.get("webex_id")

    def sends(self, line: Line) -> bool:
        """True when this job may have sent the line, by its user, step, body and time."""
        wanted = self.hashes.get(STEPS[line.operation])
        if wanted is None or (line.operation != "remove" and wanted != line.body_hash):
            return False
        before = bisect_right(self.times, line.at + SLACK)
        return before > (0 if self.removes_twins else len(self.lines))

    def effects(self, operation: str) -> int:
        return sum(line.effects for line in self.lines if line.operation == operation)


def read(items: Iterable[dict[str, Any]]) -> list[Line]:
    """The changes among the lines of the log, oldest first, one per request.

    A fault that answers first and acts later writes two lines of one tracking ID.
    """
    requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in items:
        if item["operation"] in STEPS and item["user_id"]:
            requests[item["tracking_id"] or f"line {item['id']}"].append(item)
    lines = [_line(sorted(parts, key=lambda item: item["id"])) for parts in requests.values()]
    return sorted(lines, key=lambda line: (line.at, line.id))


def _line(parts: list[dict[str, Any]]) -> Line:
    first = parts[0]
    return Line(
        id=first["id"],
        at=datetime.fromisoformat(first["at"]),
        key=_key(first["provisioning_id"], first["sp_enterprise_id"], first["user_id"]),
        operation=first["operation"],
        body_hash=next((part["body_hash"] for part in parts if part["body_hash"]), ""),
        effects=sum(bool(part["effect"]) for part in parts),
    )


def _key(provisioning_id: str, enterprise_id: str, user_id: str) -> Key:
    return provisioning_id, enterprise_id, user_id.casefold()


def compare(lines: Sequence[Line]) -> list[Finding]:
    """Find the job of each line; what is without one, or a job with too many effects, is wrong."""
    if not lines:
        return []
    ours = set(OnboardingTemplate.objects.values_list("provisioning_id", flat=True))
    sent = _sent_since(lines[0].at - SLACK)
    strangers = []
    order: dict[Key, int] = {}
    disorder = []
    for line in lines:
        if line.key[0] not in ours:
            continue
        owner = next((one for one in reversed(sent[line.key]) if one.sends(line)), None)
        if owner is None:
            strangers.append(line.label)
            continue
        owner.lines.append(line)
        if order.setdefault(line.key, owner.job.pk) > owner.job.pk:
            disorder.append(line.label)
        order[line.key] = owner.job.pk
    jobs = [one for of_key in sent.values() for one in of_key]
    return [
        *_findings("I5", "the backend was asked for a change that no job meant to send", strangers),
        *_findings(
            "I8", "changes of one user came in another order than they were accepted", disorder
        ),
        *_effects(jobs),
    ]


def _sent_since(at: datetime) -> dict[Key, list[_Sent]]:
    """The jobs that meant to send something since then, by user, oldest first."""
    found: dict[int, _Sent] = {}
    by_key: dict[Key, list[_Sent]] = defaultdict(list)
    events = JobEvent.objects.filter(after=JobState.SENDING, job__finished_at=None) | (
        JobEvent.objects.filter(after=JobState.SENDING, job__finished_at__gte=at)
    )
    related = "job__template", "job__connection", "job__subscriber"
    for event in events.select_related(*related).order_by("id").iterator(2000):
        job = event.job
        if job.pk not in found:
            hashes = {step.name: step.body_hash for step in operations.steps(job, event.at)}
            found[job.pk] = _Sent(job, hashes)
            key = _key(job.template.provisioning_id, job.enterprise_id, job.broadworks_id)
            by_key[key].append(found[job.pk])
        found[job.pk].times.append(event.at)
    for of_key in by_key.values():
        of_key.sort(key=lambda one: one.job.pk)
    return by_key


#: Endings that say that nothing took effect.
_WITHOUT_EFFECT = frozenset({codes.EXPIRED, codes.ASKER_LEFT, codes.POISON})


def _effects(jobs: Sequence[_Sent]) -> list[Finding]:
    doubled, unasked, missing = [], [], []
    for one in jobs:
        counts = {operation: one.effects(operation) for operation in STEPS}
        label = str(one.job.uuid)
        if max(counts.values()) > 1 and not one.removes_twins:
            doubled.append(label)
        if sum(counts.values()) and _says_nothing_happened(one.job):
            unasked.append(label)
        if not sum(counts.values()) and _needs_an_effect(one.job):
            missing.append(label)
    return [
        *_findings("I3", "one action took effect twice", doubled),
        *_findings("I3", "an action took effect that was cancelled, expired or refused", unasked),
        *_findings("I3", "an action is done that the backend knows nothing of", missing),
    ]


def _says_nothing_happened(job: Job) -> bool:
    return job.state == JobState.CANCELLED or (
        job.state == JobState.FAILED and job.result_code in _WITHOUT_EFFECT
    )


def _needs_an_effect(job: Job) -> bool:
    """A delete is done also when somebody else was quicker."""
    return job.state == JobState.DONE and not kind_of(job.kind).removes


def _findings(invariant: str, what: str, labels: list[str]) -> list[Finding]:
    return [Finding(invariant, what, len(labels), labels[:EXAMPLES])] if labels else []
