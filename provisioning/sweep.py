"""The sweep: every two seconds it makes sure that nothing accepted is forgotten."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import BackendConnection
from common import throttle
from provisioning import codes, timing
from provisioning.activation import mail_queue, password_mails
from provisioning.bulk import rollout
from provisioning.engine import failure_policy
from provisioning.exports import services as export_services
from provisioning.jobs import completion, leases, outbox
from provisioning.jobs.completion import Ending
from provisioning.lists import counts as user_counts
from provisioning.models import Heartbeat, Job
from provisioning.states import JobState

logger = logging.getLogger(__name__)

#: Hints for mails published by one sweep; what is left is found two seconds later.
HINTS = 200
#: Jobs past their deadline that one sweep ends: a batch has ten thousand with the same, and what
#: comes after them in the sweep must not wait.
OVERDUE = 200
MOMENT_SECONDS = 1.0


_TAKE_TURN = """
INSERT INTO provisioning_heartbeat AS h (name, at) VALUES (%(name)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET at = excluded.at
 WHERE h.at NOT BETWEEN excluded.at - %(rest)s * interval '1 second'
                        AND excluded.at + interval '5 seconds'
RETURNING true
"""


def is_due(name: str, rest: float) -> bool:
    """Take the turn of something periodic, unless somebody took it within `rest` seconds.

    So two beats, or ticks that piled up while no worker ran, do no more work than one; an expiry
    of the ticks would go by the worker's own clock. A turn in the future was taken before
    PostgreSQL's clock was put back, and holds nobody up.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN, {"name": name, "rest": rest})
        return cursor.fetchone() is not None


def run_in_turn() -> None:
    """Sweep, unless somebody did a moment ago."""
    if is_due("beat", MOMENT_SECONDS):
        run()


def run() -> None:
    """Free dead workers' jobs, end what is past its time, hint at what is due."""
    now = timing.now()
    beat("worker", now)
    beat("beat", now)
    for job in leases.recover(now):
        _give_up(job, completion.poisoned(job))
    for job in completion.overdue(now, OVERDUE):
        _give_up(job, _overdue_ending(job))
    rollout.watch_all(rollout.unfinished_ids())
    outbox.hint_all(outbox.waiting_connections())
    for mail_id in mail_queue.due_ids(now, HINTS):
        mail_queue.hint(mail_id)
    export_services.sweep(now)
    user_counts.fold()


def _overdue_ending(job: Job) -> Ending:
    if job.state == JobState.QUEUED:
        reason = job.result_text or "it waited too long"
        return Ending(JobState.FAILED, codes.EXPIRED, reason)
    return Ending(JobState.FAILED, codes.UNCLEAR, "Webex never said how it ended")


def _give_up(job: Job, ending: Ending) -> None:
    """End it; one that cannot be ended must not keep the sweep from all the others."""
    try:
        failure_policy.give_up(job, ending, now=timing.now())
    except Exception:
        logger.exception("job cannot be ended", extra={"job_id": job.pk})


def publish_syncs() -> None:
    """One task a connection, so that one partner cannot delay another."""
    _publish_for("provisioning.sync", BackendConnection.objects.all())


def publish_full_passes() -> None:
    """One task for each connection that does not rest after its last one."""
    now = timing.now()
    rested = Q(full_pass_not_before=None) | Q(full_pass_not_before__lte=now)
    _publish_for("provisioning.full_pass", BackendConnection.objects.filter(rested))


def _publish_for(task: str, connections: QuerySet[BackendConnection]) -> None:
    keys = connections.values_list("pk", flat=True)
    outbox.publish_all(task, [{"connection_id": key} for key in keys])


def beat(name: str, now: datetime) -> None:
    """Leave a sign of life."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def tidy() -> None:
    """Delete expired throttle windows, exported files and old mails about passwords."""
    now = timing.now()
    throttle.forget_expired(now)
    password_mails.forget_old(now)
    export_services.tidy(now)
