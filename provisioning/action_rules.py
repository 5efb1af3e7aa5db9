"""When an administrator's action is accepted: what stands against it, and in which words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from provisioning import codes, judging, selectors, timing, turns
from provisioning.models import Job, Subscriber, SubscriberQuerySet
from provisioning.states import JobKind
from templates_app.models import Package


class ActionRefused(Exception):
    """The action cannot be accepted now; the message is for the person who asked.

    Attributes:
        code: stable and short, for tests and support.
        field: the form field it belongs to, or "".
    """

    def __init__(self, code: str, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


def held_rows() -> SubscriberQuerySet:
    """The rows as they are now; those that are read are held until the transaction ends."""
    held = Subscriber.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("connection", "template", "partner")


def check_allowed(row: Subscriber, kind: JobKind, *, package: str = "") -> None:
    """Check that the row may have a job of the kind now; call it with the row held.

    Raises:
        ActionRefused: it is deleted, has an unfinished job, its status stands against it, Webex
            does not hold it, or it has the wanted package already.
    """
    job = selectors.unfinished_job_of(row)
    if code := judging.judge(row, kind, is_busy=job is not None, package=package):
        raise _refusal(row, code, job)


def _refusal(row: Subscriber, code: str, job: Job | None) -> ActionRefused:
    if code == codes.SKIP_DELETED:
        return ActionRefused("deleted", _("The user is deleted. Reload the page."))
    if code == codes.SKIP_BUSY:
        return busy(job)
    if code == codes.SKIP_NOT_HELD:
        message = _("Webex does not hold this user now. Retry the activation first.")
        return ActionRefused("no_subscriber", message)
    if code == codes.SKIP_SAME_PACKAGE:
        message = _("The user has this package already. Choose another one.")
        return ActionRefused("same_package", message, field="package")
    message = _("This cannot be done while the status is “%(status)s”.")
    return ActionRefused("wrong_status", message % {"status": row.status_label})


def check_package(package: str) -> None:
    """Check that it is one of softphone, basic, standard, premium.

    Raises:
        ActionRefused: it is not.
    """
    if package not in Package.values:
        raise ActionRefused("unknown_package", _("Choose one of the packages."), field="package")


def obsolete(job: Job) -> str:
    """The code of why an accepted action of an administrator makes no sense any more; "" when
    it does. Judged by the row as it is now, just before the first byte is sent.
    """
    row = job.subscriber
    if row is None or job.kind == JobKind.PROVISION:
        return ""
    package = job.params["package"] if job.kind == JobKind.PACKAGE else ""
    return judging.judge(row, job.kind, is_busy=False, package=package)


def check_turn(row: Subscriber, *, make_administrator: bool) -> None:
    """*Provision admin first*: until somebody of the enterprise is active, only one may pass.

    Raises:
        ActionRefused: another user comes first.
    """
    if not row.template.provision_admin_first or make_administrator:
        return
    first = selectors.first_in_line(row.template, row.enterprise_id)
    if first is not None and judging.judge_turn(row.pk, first.pk):
        message = _(
            "%(name)s must be active first, as this customer's administrator. Wait, or tick that "
            "this user becomes the administrator instead."
        )
        raise ActionRefused(
            "admin_first",
            message % {"name": first.name or first.broadworks_id},
            field="make_administrator",
        )


def busy(job: Job | None = None) -> ActionRefused:
    """The refusal because of an unfinished job; of a delete that can be undone it says so."""
    return ActionRefused("busy", turns.why_busy(job, timing.now()))
