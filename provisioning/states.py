"""Statuses, kinds and states of jobs, mails, exports, and the legal changes. Pure data."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(models.TextChoices):
    """Subscriber statuses, in the API's words (domain.md 3.1). Others may come: shown verbatim."""

    PROVISIONED = "provisioned", _("Provisioned")
    PROVISIONING = "provisioning", _("Provisioning")
    UPDATING = "updating", _("Updating")
    WAITING_ADDRESS = "pending_email_input", _("Waiting for email address")
    WAITING_CONFIRMATION = "pending_email_validation", _("Waiting for email confirmation")
    WAITING_CONSENT = "pending_user_migration", _("Waiting for consent")
    ERROR = "error", _("Error")


PENDING = frozenset({Status.WAITING_ADDRESS, Status.WAITING_CONFIRMATION, Status.WAITING_CONSENT})
#: Webex is at work: ask again soon, and let nobody act meanwhile.
UNSETTLED = frozenset({Status.PROVISIONING, Status.UPDATING})
#: What ends a job. A status that we do not know tells nothing: ask again.
SETTLED = PENDING | {Status.PROVISIONED, Status.ERROR}


class JobKind(models.TextChoices):
    """What a job does at the backend; the rules of each kind are in kinds.py."""

    PROVISION = "provision", _("Activation")
    RETRY = "retry", _("Retry activation")
    DELETE = "delete", _("Delete user")
    PACKAGE = "package", _("Change package type")


class JobState(models.TextChoices):
    """Where a job is. The last three are final."""

    QUEUED = "queued", pgettext_lazy("job state", "Queued")
    SENDING = "sending", pgettext_lazy("job state", "Sending")
    CHECKING = "checking", pgettext_lazy("job state", "Checking what happened")
    WAITING = "waiting", pgettext_lazy("job state", "Webex is working")
    DONE = "done", pgettext_lazy("job state", "Done")
    FAILED = "failed", pgettext_lazy("job state", "Failed")
    CANCELLED = "cancelled", pgettext_lazy("job state", "Cancelled")


UNFINISHED = frozenset({JobState.QUEUED, JobState.SENDING, JobState.CHECKING, JobState.WAITING})
FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})

#: Legal changes of state. The trigger `job_state` has them too: a new migration changes both.
#: Queued: certainly nothing is on its way. Sending: the intent is committed. Checking: it was
#: sent, and nobody knows yet what became of it. Waiting: Webex accepted it and is at work.
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.SENDING, JobState.FAILED, JobState.CANCELLED}),
    JobState.SENDING: frozenset(
        {
            JobState.QUEUED,
            JobState.CHECKING,
            JobState.WAITING,
            JobState.DONE,
            JobState.FAILED,
        }
    ),
    JobState.CHECKING: frozenset(
        {JobState.QUEUED, JobState.WAITING, JobState.DONE, JobState.FAILED}
    ),
    JobState.WAITING: frozenset({JobState.DONE, JobState.FAILED}),
}


class ActivationState(models.TextChoices):
    """Where one run of the portal stands."""

    SIGNED_IN = "signed_in", _("Signed in")
    MAIL_SENT = "mail_sent", _("Waiting for the confirmation")
    CONFIRMED = "confirmed", _("Address confirmed")
    DONE = "done", _("Active")
    REFUSED = "refused", _("Refused")
    REPLACED = "replaced", _("Replaced by a newer run")


class MailState(models.TextChoices):
    """Where a mail is."""

    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Accepted by the mail server")
    #: Its sender died, or the line broke, after it had begun to hand the mail over.
    UNCLEAR = "unclear", _("Perhaps accepted by the mail server")
    FAILED = "failed", _("Refused by the mail server")


UNFINISHED_MAILS = frozenset({MailState.QUEUED, MailState.SENDING})


class ExportState(models.TextChoices):
    """Where an export is."""

    QUEUED = "queued", _("Queued")
    WRITING = "writing", _("Being written")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Deleted after its time")
    CANCELLED = "cancelled", pgettext_lazy("export state", "Cancelled")


UNFINISHED_EXPORTS = frozenset({ExportState.QUEUED, ExportState.WRITING})


class ExportFormat(models.TextChoices):
    """What an exported file is."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel"
