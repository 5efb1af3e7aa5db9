"""What follows from the backend's answers: for runs of the portal, for waiting jobs, for others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from provisioning import codes, shown_status
from provisioning.jobs import completion
from provisioning.models import Activation, Job, Mail
from provisioning.states import SETTLED, ActivationState, JobState

_RUNS = """
    SELECT DISTINCT ON (run.id) run.id, s.id
      FROM provisioning_subscriber s
      JOIN provisioning_activation run
        ON run.template_id = s.template_id AND run.broadworks_id = s.broadworks_id
       AND run.enterprise_id = s.enterprise_id
     WHERE s.id = ANY(%s) AND s.backend_status = 'provisioned' AND s.deleted_at IS NULL
       AND run.state = 'confirmed'
     ORDER BY run.id, s.id
"""
# A row that is being written at this moment is left out, lest two answers wait for each other.
_STOPPED = """
    SELECT s.id FROM provisioning_subscriber s
      JOIN unnest(%(templates)s, %(enterprises)s) AS active (template_id, enterprise_id)
        ON s.template_id = active.template_id AND s.enterprise_id = active.enterprise_id
     WHERE s.deleted_at IS NULL AND s.activation_error ->> 'code' = %(code)s
     ORDER BY s.id FOR NO KEY UPDATE OF s SKIP LOCKED
"""


def finish_runs(ids: Sequence[int], *, now: datetime) -> None:
    """The accounts exist: runs of the portal that led here are done, and their users are told.

    `ids` are subscribers; those that are not provisioned any more are left out.
    """
    with database.cursor() as cursor:
        cursor.execute(_RUNS, [list(ids)])
        found = cursor.fetchall()
    for run_id, subscriber_id in found:
        _finish_run(run_id, subscriber_id, now=now)


def _finish_run(run_id: int, subscriber_id: int, *, now: datetime) -> None:
    with transaction.atomic():
        confirmed = Activation.objects.filter(pk=run_id, state=ActivationState.CONFIRMED)
        run = confirmed.select_for_update(no_key=True).first()
        if run is None:
            return
        run.state, run.subscriber_id = ActivationState.DONE, subscriber_id
        run.save(update_fields=["state", "subscriber", "updated_at"])
        Mail.objects.create(
            activation=run, purpose=Mail.Purpose.READY, to=run.email, created_at=now
        )


def lift_admin_first(active: Sequence[tuple[int, str]], *, now: datetime) -> None:
    """*Provision admin first*: in these templates and enterprises somebody is active now, so
    nobody there waits for the first one any more.
    """
    values: dict[str, Any] = {
        "templates": [template_id for template_id, _ in active],
        "enterprises": [enterprise_id for _, enterprise_id in active],
        "code": codes.ADMIN_FIRST,
    }
    with database.cursor() as cursor:
        cursor.execute(_STOPPED, values)
        stopped = [row[0] for row in cursor.fetchall()]
    if stopped:
        shown_status.clear_activation_errors(stopped, now=now)


def settle(job_id: int, *, now: datetime) -> None:
    """A settled status ends the job that waited for it."""
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job_id, state=JobState.WAITING)
        job = waiting.select_related("subscriber").first()
        row = job.subscriber if job else None
        if job is None or row is None or row.backend_status not in SETTLED:
            return
        ending = completion.ending_of(row, job)
        if completion.settle(job, ending, now=now) and ending.state == JobState.FAILED:
            shown_status.record_job_error(row, ending.error(now), job, now=now)
