"""Where a run of the portal stands: the one answer by which pages choose what to show."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from provisioning import codes
from provisioning.activation.admission import RULES, Admission, PortalRefused, admit, unfinished_job
from provisioning.catalogue import Explanation, explain
from provisioning.models import Activation, Job, Mail, Subscriber
from provisioning.states import ActivationState, JobState, Status


class Place(enum.StrEnum):
    """What the user has to do, or to see, now."""

    STOPPED = "stopped"
    ADDRESS = "address"
    MAIL = "sent"
    PROGRESS = "progress"
    CONSENT = "consent"
    DONE = "done"


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    `refusal` says why, when something was refused; `job` is the user's unfinished one.
    """

    run: Activation
    place: Place
    refusal: Explanation | None = None
    subscriber: Subscriber | None = None
    job: Job | None = None

    @property
    def mail(self) -> Mail | None:
        """The newest confirmation mail of the run."""
        return self.run.mails.filter(purpose=Mail.Purpose.CONFIRM).first()


def standing(run: Activation) -> Standing:
    """Tell where the run stands; asks the database, changes nothing."""
    if run.state == ActivationState.REPLACED:
        return Standing(run, Place.STOPPED, explain(codes.TAKEN_OVER))
    if run.subscriber is not None and run.subscriber.deleted_at:
        return Standing(run, Place.STOPPED, explain(codes.GONE))
    if run.state in (ActivationState.CONFIRMED, ActivationState.DONE):
        return _confirmed(run)
    try:
        admission = admit(run)
    except PortalRefused as refusal:
        return Standing(run, Place.STOPPED, refusal.explanation)
    return _open(run, admission)


def _confirmed(run: Activation) -> Standing:
    row = run.subscriber or _row_of(run)
    if run.state == ActivationState.DONE or (row and row.status == Status.PROVISIONED):
        return Standing(run, Place.DONE, subscriber=row)
    job = run.jobs.order_by("-pk").first()
    if job is None or job.is_unfinished:
        return Standing(run, Place.PROGRESS, subscriber=row, job=job)
    if row is not None and row.backend_status == Status.WAITING_CONSENT:
        return Standing(run, Place.CONSENT, subscriber=row)
    if job.state == JobState.CANCELLED:
        return Standing(run, Place.STOPPED, explain(codes.TAKEN_OVER), row)
    return Standing(run, Place.PROGRESS, subscriber=row)


def _row_of(run: Activation) -> Subscriber | None:
    """The row that the run's job made, for a user who had none."""
    job = run.jobs.select_related("subscriber").exclude(subscriber=None).order_by("-pk").first()
    return job.subscriber if job else None


def _open(run: Activation, admission: Admission) -> Standing:
    row = admission.subscriber
    if admission.is_active:
        return Standing(run, Place.DONE, subscriber=row)
    if job := unfinished_job(run, admission):
        return Standing(run, Place.PROGRESS, subscriber=row, job=job)
    if admission.is_underway:
        return Standing(run, Place.PROGRESS, subscriber=row)
    if run.state == ActivationState.MAIL_SENT:
        return Standing(run, Place.MAIL, subscriber=row)
    refusal = _refusal(run, row)
    if row is not None and row.backend_status == Status.WAITING_CONSENT and refusal is None:
        return Standing(run, Place.CONSENT, subscriber=row)
    return Standing(run, Place.ADDRESS, refusal, row)


def _refusal(run: Activation, row: Subscriber | None) -> Explanation | None:
    """What the user must know before the next try: the run's own refusal, or the row's error.

    A rule that refused and no longer does is history.
    """
    if run.state == ActivationState.REFUSED and run.error_code not in RULES:
        return explain(run.error_code, run.error_text)
    if row is not None and row.status == Status.ERROR and row.error_code not in RULES:
        return explain(row.error_code, row.error_text)
    return None
