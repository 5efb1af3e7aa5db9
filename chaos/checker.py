"""What is judged after every run, from outside: history, our tables, the backend's own log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import RetryBy
from chaos.history import History
from provisioning.models import Job
from provisioning.states import FINAL, JobKind, JobState

CHANGES = ("provision", "update", "remove")
#: What a job of a kind does at the backend, once.
EFFECT = {"provision": "provision", "retry": "provision", "delete": "remove", "package": "update"}
#: Failed for a reason that means: nothing was ever sent, or certainly nothing happened.
WITHOUT_EFFECT = {"PH-EXPIRED", "PH-POISON", "PH-ASKER-LEFT"}
#: The kind of an entry that accepted many at once.
BATCH = "batch"
WRONG = ("doubled", "overlaps", "early")


@dataclass
class Findings:
    """What the checker found: everything in `problems` is wrong.

    `doubles` are kept apart: at a backend that takes a second one of a key they can happen.
    """

    actions: int = 0
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Effects:
    """The effects that one job had at the backend, by operation."""

    job: Job
    counts: Counter[str] = field(default_factory=Counter)


def check(
    history: History,
    log: Sequence[dict[str, Any]],
    verdict: dict[str, Any],
    *,
    gone: Collection[str] = (),
) -> Findings:
    """Judge a run that has come to rest.

    `log` is the backend's request log, `verdict` its judge's; `gone` are users whom somebody else
    removed: to delete them is done without an effect.
    """
    findings = Findings(actions=len(history.accepted()))
    jobs = list(Job.objects.select_related("connection", "batch").order_by("created_at", "pk"))
    _check_history(findings, history, jobs)
    for effects in effects_of(jobs, log, findings):
        _check_effects(findings, effects, gone)
    _check_verdict(findings, verdict)
    _count_ends(findings, jobs)
    return findings


def _check_history(findings: Findings, history: History, jobs: list[Job]) -> None:
    """Acknowledged: exactly one job with exactly one end. And no job that nobody asked for."""
    by_uuid = {str(job.uuid): job for job in jobs}
    by_form = {str(job.submission_id): job for job in jobs}
    for entry in history.accepted():
        if entry.kind == BATCH:
            continue
        job = by_uuid.get(entry.job) if entry.job else by_form.get(entry.submission)
        if job is None:
            findings.lost += 1
            findings.problems.append(f"{entry.kind} of {entry.user}: acknowledged, no job")
        elif job.state not in FINAL:
            findings.lost += 1
            findings.problems.append(f"{entry.kind} of {entry.user}: still {job.state}")
    known = {entry.submission for entry in history.accepted()} | history.perhaps()
    for job in jobs:
        asked = job.batch.submission_id if job.batch else job.submission_id
        if str(asked) not in known:
            findings.problems.append(f"{job.kind} of {job.broadworks_id}: nobody asked for it")


def effects_of(
    jobs: Sequence[Job], log: Sequence[dict[str, Any]], findings: Findings
) -> list[Effects]:
    """Give each effect to the job that caused it: the newest of that user when it arrived."""
    mine: dict[str, list[Effects]] = {}
    for job in jobs:
        mine.setdefault(job.broadworks_id.casefold(), []).append(Effects(job))
    for line in log:
        if not line["effect"] or line["operation"] not in CHANGES:
            continue
        arrived = datetime.fromisoformat(line["at"])
        before = [one for one in mine.get(line["user_id"].casefold(), [])
                  if one.job.created_at <= arrived]  # fmt: skip
        if before:
            before[-1].counts[line["operation"]] += 1
        else:
            findings.problems.append(f"{line['operation']} of {line['user_id']}: no job asked")
    return [one for several in mine.values() for one in several]


def _check_effects(findings: Findings, effects: Effects, gone: Collection[str]) -> None:
    job, counts = effects.job, effects.counts
    what = f"{job.kind} of {job.broadworks_id} ({job.state} {job.result_code})"
    times = counts[EFFECT[job.kind]]
    for name, count in sorted(counts.items()):
        if count > 1:
            findings.doubled += count - 1
            findings.doubles.append(f"{what}: {count} times {name}")
    if others := counts.keys() - operations_of(job):
        findings.problems.append(f"{what}: also {', '.join(sorted(others))}")
    was_gone = job.kind == JobKind.DELETE and job.broadworks_id in gone
    if job.state == JobState.DONE and times == 0 and not was_gone:
        findings.lost += 1
        findings.problems.append(f"{what}: done, without any effect")
    if times and (job.state == JobState.CANCELLED or job.result_code in WITHOUT_EFFECT):
        findings.problems.append(f"{what}: it had an effect all the same")


def operations_of(job: Job) -> set[str]:
    """What a job sends; a retry may be sent as two requests."""
    by_delete = job.connection.retry_by == RetryBy.DELETE_THEN_POST
    removes = job.kind == JobKind.RETRY and by_delete and job.params.get("webex_id")
    return {EFFECT[job.kind], "remove"} if removes else {EFFECT[job.kind]}


def _check_verdict(findings: Findings, verdict: dict[str, Any]) -> None:
    for name in WRONG:
        if count := verdict[name]["count"]:
            where = findings.doubles if name == "doubled" else findings.problems
            where.append(f"the backend's judge: {count} {name}")
            where += [f"  {item}" for item in verdict[name]["items"][:3]]
    findings.doubled = max(findings.doubled, verdict["doubled"]["count"])


def _count_ends(findings: Findings, jobs: list[Job]) -> None:
    ends = Counter(f"{job.state} {job.result_code}".strip() for job in jobs)
    findings.notes.append(", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
