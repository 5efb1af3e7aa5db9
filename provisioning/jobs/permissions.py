"""Who may change a job or a batch that was accepted: own ones, others' with the right to manage."""

from __future__ import annotations

from accounts.models import User
from accounts.rights import Right, may
from provisioning.kinds import kind_of
from provisioning.models import Job, JobBatch


def may_cancel(user: User | None, work: Job | JobBatch) -> bool:
    """Whether the person may cancel or resume it."""
    if user is None:
        return False
    if _is_operations(user):
        return True
    own = work.requested_by_id == user.pk
    right = kind_of(work.kind).right if own else Right.MANAGE
    return user.partner_id == work.partner_id and may(user, right)


def may_repeat(user: User | None, work: Job | JobBatch) -> bool:
    """Whether the person may have it done anew, in his own name."""
    if user is None or not may_cancel(user, work):
        return False
    return _is_operations(user) or may(user, kind_of(work.kind).right)


def may_undo(user: User | None, work: Job | JobBatch) -> bool:
    """Whether the person may take it back within its time of grace, whoever asked for it."""
    if user is None:
        return False
    return user.partner_id == work.partner_id and may(user, kind_of(work.kind).right)


def _is_operations(user: User) -> bool:
    return user.is_staff and user.is_active and not user.partner_id
