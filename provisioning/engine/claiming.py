"""Taking jobs: who may go out now, decided for all workers by one transaction on the gate.

A group is never larger than what is sent at once; its intents are committed with it, so that a
job is either queued (certainly nothing is on its way) or sending (something may be).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import BackendConnection, User
from accounts.rights import may
from common import sql
from provisioning import codes, timing
from provisioning.backend import gate
from provisioning.engine import failure_policy, operations
from provisioning.engine.exchange import Exchange
from provisioning.engine.operations import Step
from provisioning.jobs import completion, eligibility, leases
from provisioning.jobs.completion import Ending
from provisioning.kinds import kind_of
from provisioning.models import Job, Subscriber
from provisioning.states import UNFINISHED, JobState
from templates_app.models import OnboardingTemplate

logger = logging.getLogger(__name__)

MAX_SENDS = 8


@dataclass(frozen=True)
class Group:
    """What one worker sends at once for one connection; `taken_at` is of the monotonic clock.

    `ended` are jobs that were due and of which nothing will be sent.
    """

    connection: BackendConnection
    exchanges: list[Exchange]
    taken_at: float
    ended: list[Job]

    @property
    def is_suspect(self) -> bool:
        """It is one job that cost a worker before."""
        return any(exchange.job.crashes for exchange in self.exchanges)


def claim(connection_id: int, *, answered: Sequence[Job] = (), alone: bool = True) -> Group | None:
    """Take what may go out now; None when nothing is due or nothing may go out.

    Of the jobs in `answered` the caller has an answer that is not recorded: leased, not in flight.
    `alone`: nothing else would be lost with the caller, should it die of what it takes.
    """
    taken_at = time.monotonic()
    with transaction.atomic():
        row = gate.locked(connection_id)
        now = timing.now()
        allowed = gate.allowance(row, _in_flight(row, now, answered), now)
        jobs = _due(row, now, allowed.requests, alone=alone) if allowed.requests else []
        if not jobs:
            return None
        exchanges, ends = _prepare(jobs, now, is_probe=allowed.is_probe)
        leases.take([exchange.job for exchange in exchanges], now)
        if exchanges:
            gate.spend(row, len(exchanges), now, is_probe=allowed.is_probe)
            gate.save_spent(row)
    return Group(row, exchanges, taken_at, _end_jobs(ends, now))


_UNFINISHED = sql.literals(UNFINISHED)
_IN_FLIGHT = f"""
    SELECT count(*) FROM provisioning_job
     WHERE connection_id = %(connection)s AND lease_until > %(now)s
       AND state IN ({_UNFINISHED}) AND id <> ALL(%(answered)s)
"""  # noqa: S608 -- own words
#: Job.objects.due(), single actions before rows of batches, the longest due first.
_DUE = f"""
    WHERE connection_id = %s AND state IN ({_UNFINISHED})
      AND lease_until IS NULL AND NOT held AND not_before <= %s
    ORDER BY priority, not_before LIMIT %s FOR UPDATE SKIP LOCKED
"""


def _in_flight(row: BackendConnection, now: datetime, answered: Sequence[Job]) -> int:
    values = {"connection": row.pk, "now": now, "answered": [job.pk for job in answered]}
    [(count,)] = sql.prepared(_IN_FLIGHT, values)
    return int(count)


def _due(row: BackendConnection, now: datetime, limit: int, *, alone: bool) -> list[Job]:
    """The due jobs, single actions before rows of batches, the longest due first.

    A job that cost a worker goes alone: it must not take innocent ones with it.
    """
    jobs = sql.rows(Job, _DUE, [row.pk, now, limit])
    suspects = [job for job in jobs if job.crashes]
    innocent = [job for job in jobs if not job.crashes]
    jobs = suspects[:1] or innocent if alone else innocent
    _attach_rows(row, jobs)
    return jobs


def _attach_rows(row: BackendConnection, jobs: list[Job]) -> None:
    """Put into the jobs the rows that they belong to."""
    templates = sql.by_id(OnboardingTemplate, (job.template_id for job in jobs))
    askers = sql.by_id(User, (job.requested_by_id for job in jobs))
    subscribers = sql.by_id(Subscriber, (job.subscriber_id for job in jobs))
    for job in jobs:
        job.connection, job.template = row, templates[job.template_id]
        if job.requested_by_id:
            job.requested_by = askers[job.requested_by_id]
        if job.subscriber_id:
            job.subscriber = subscribers[job.subscriber_id]
            job.subscriber.template = job.template


def _prepare(
    jobs: list[Job], now: datetime, *, is_probe: bool
) -> tuple[list[Exchange], list[tuple[Job, Ending]]]:
    """What to send or ask, and which jobs end instead."""
    exchanges, ends = [], []
    for job in jobs:
        try:
            prepared: Exchange | Ending | None = _exchange(job, now, is_probe=is_probe)
        except Exception:
            logger.exception("job cannot be prepared", extra={"job_id": job.pk})
            prepared = _count_crash(job)
        if isinstance(prepared, Exchange):
            exchanges.append(prepared)
            continue
        # Should it not end either, it is not looked at over and over.
        Job.objects.filter(pk=job.pk).update(not_before=now + timing.scaled(1))
        if prepared:
            ends.append((job, prepared))
    return exchanges, ends


def _end_jobs(ends: list[tuple[Job, Ending]], now: datetime) -> list[Job]:
    """End them after the claim: that would wait for users' rows, and all others for the gate."""
    for job, ending in ends:
        try:
            failure_policy.give_up(job, ending, now=now)
        except Exception:
            logger.exception("job cannot be ended", extra={"job_id": job.pk})
    return [job for job, _ending in ends if not job.is_unfinished]


def _count_crash(job: Job) -> Ending | None:
    """An error nobody foresaw, as if the worker had died at it: three of them end the job."""
    job.refresh_from_db()
    job.crashes += 1
    Job.objects.filter(pk=job.pk).update(crashes=job.crashes)
    return completion.poisoned(job) if job.crashes >= leases.MAX_CRASHES else None


def _exchange(job: Job, now: datetime, *, is_probe: bool) -> Exchange | Ending:
    """What the job does next, with its intent noted in memory; or how it ends instead."""
    steps = operations.steps(job, now)
    step = next((step for step in steps if step.name == job.step), steps[0])
    if job.state != JobState.QUEUED:
        return Exchange(job, step, now, is_probe)
    if ending := _not_to_be_sent(job, steps, step):
        return ending
    if not is_probe:
        before = operations.before_send(job)
        leases.set_intent(job, step=step.name, body_hash=step.body_hash, now=now, before=before)
    return Exchange(job, step, now, is_probe)


def _not_to_be_sent(job: Job, steps: list[Step], step: Step) -> Ending | None:
    """Why the job ends here: judged just before its first byte, since much may have changed."""
    if job.sends >= MAX_SENDS:
        words = job.result_text or "sent too often without a clear answer"
        return Ending(JobState.FAILED, codes.GAVE_UP, words)
    if job.sends or step is not steps[0]:
        return None
    if not _asker_may(job):
        return Ending(JobState.FAILED, codes.ASKER_LEFT)
    if code := eligibility.obsolete(job):
        return Ending(JobState.CANCELLED, code)
    return None


def _asker_may(job: Job) -> bool:
    """Whoever asked must still have the right when the first byte is about to go (S4)."""
    asker = job.requested_by
    if asker is None:
        return True  # the portal's own; its rules are asked when the address is confirmed
    if asker.is_staff and asker.is_active:
        return True
    return bool(asker.partner_id == job.partner_id and may(asker, kind_of(job.kind).right))
