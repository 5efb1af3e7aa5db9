"""Whether an action makes sense for a user: the one rule, asked for one row as for ten thousand.

Pure functions of plain values; where the values come from, and what is said to whom, is the
callers' (action_rules.py for one user, batch_judging.py for many).
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Protocol

from provisioning import codes
from provisioning.addresses import BadAddress, normalise
from provisioning.states import JobKind, allowed_kinds


class Facts(Protocol):
    """What is known of a user: a Subscriber, or a row of some of its columns."""

    @property
    def status(self) -> str: ...
    @property
    def deleted_at(self) -> datetime | None: ...
    @property
    def webex_id(self) -> str | None: ...
    @property
    def package(self) -> str: ...


def judge(user: Facts, kind: str, *, is_busy: bool, package: str = "") -> str:
    """The code of why the user cannot have a job of this kind now (codes.SKIP_…), or "".

    `is_busy`: one of the user's jobs is unfinished. `package`: the wanted one, when one is. A
    package is changed by PUT on the subscriber, so Webex must hold it (domain.md 4).
    """
    if user.deleted_at:
        return codes.SKIP_DELETED
    if is_busy:
        return codes.SKIP_BUSY
    if kind not in allowed_kinds(user.status, busy=False):
        return codes.SKIP_STATUS
    if kind == JobKind.PACKAGE and not user.webex_id:
        return codes.SKIP_NOT_HELD
    if package and user.package == package:
        return codes.SKIP_SAME_PACKAGE
    return ""


def judge_turn(user: Hashable, first: Hashable | None) -> str:
    """*Provision admin first*: `first` is who must come first among the user's colleagues, by the
    same key as `user`; None when somebody is active there already.
    """
    return "" if first is None or first == user else codes.SKIP_ADMIN_FIRST


def usable_address(email: str) -> str:
    """The address that a user has as a job can use it; "" when none can be made of it."""
    try:
        return normalise(email)
    except BadAddress:
        return ""
