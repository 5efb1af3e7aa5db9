"""Whether an action makes sense for a user: the one rule, for one row as for ten thousand.

What stands against an action is a code (`judge`); for one user it becomes a refusal in words.
"""

from __future__ import annotations

from collections.abc import Hashable

from django.utils.translation import gettext as _

from common.bidi import isolated
from common.refusals import Refused
from provisioning import codes, selectors, timing, whose_turn
from provisioning.kinds import Facts, Given, kind_of
from provisioning.models import Job, Subscriber, SubscriberQuerySet


def judge(user: Facts, kind: str, *, is_busy: bool, given: Given) -> str:
    """The code of why the user cannot have a job of this kind now (codes.SKIP_…), or "".

    `is_busy`: one of the user's jobs is unfinished. `given`: what is asked for, where known.
    """
    if user.deleted_at:
        return codes.SKIP_DELETED
    if is_busy:
        return codes.SKIP_BUSY
    rules = kind_of(kind)
    if user.status not in rules.statuses:
        return codes.SKIP_STATUS
    return rules.objection(user, given)


def judge_turn(user: Hashable, first: Hashable | None) -> str:
    """*Provision admin first*: `first` is who must come first among the user's colleagues, by the
    same key as `user`; None when somebody is active there already.
    """
    return "" if first is None or first == user else codes.SKIP_ADMIN_FIRST


class ActionRefused(Refused):
    """The action cannot be accepted now."""


def held_rows() -> SubscriberQuerySet:
    """The rows as they are now; those that are read are held until the transaction ends."""
    held = Subscriber.objects.select_for_update(no_key=True, of=("self",))
    return held.select_related("connection", "template", "partner")


def check_allowed(row: Subscriber, kind: str, given: Given) -> None:
    """Check that the row may have a job of the kind now; call it with the row held.

    Raises:
        ActionRefused: it is deleted, has an unfinished job, its status stands against it, Webex
            does not hold it, or it has the wanted package already.
    """
    job = selectors.unfinished_job_of(row)
    if code := judge(row, kind, is_busy=job is not None, given=given):
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
    return ActionRefused("wrong_status", message % {"status": isolated(row.status_label)})


def check_given(kind: str, given: Given) -> None:
    """Check that what must be chosen is chosen, and can be.

    Raises:
        ActionRefused: unknown_<parameter>.
    """
    for name, choice in kind_of(kind).choices.items():
        if given.get(name) not in choice.values:
            raise ActionRefused(f"unknown_{name}", str(choice.words), field=name)


def obsolete(job: Job) -> str:
    """The code of why an accepted action of an administrator makes no sense any more; "" when
    it does. Judged by the row as it is now, just before the first byte is sent.
    """
    row = job.subscriber
    if row is None or kind_of(job.kind).is_portal:
        return ""
    return judge(row, job.kind, is_busy=False, given=job.params)


def check_turn(row: Subscriber, *, make_administrator: bool) -> None:
    """*Provision admin first*: until somebody of the enterprise is active, only one may pass.

    Raises:
        ActionRefused: another user comes first.
    """
    if not row.template.provision_admin_first or make_administrator:
        return
    first = selectors.first_in_line(row.template, row.enterprise_id)
    if first is not None and judge_turn(row.pk, first.pk):
        message = _(
            "%(name)s must be active first, as this customer's administrator. Wait, or tick that "
            "this user becomes the administrator instead."
        )
        raise ActionRefused(
            "admin_first",
            message % {"name": isolated(first.name or first.broadworks_id)},
            field="make_administrator",
        )


def busy(job: Job | None = None) -> ActionRefused:
    """The refusal because of an unfinished job; of a delete that can be undone it says so."""
    return ActionRefused("busy", whose_turn.why_busy(job, timing.now()))
