"""The kinds of jobs, one entry each: whatever differs between them and is not a request.

What a kind sends, and how to see whether that happened, are its steps in engine/operations.py;
how people ask for it is in userstatus/actions/registry.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.rights import Right
from common.addresses import BadAddress, normalise
from provisioning import codes
from provisioning.models import Job, Subscriber
from provisioning.states import PENDING, JobKind, Status
from provisioning.timing import scaled
from templates_app.models import OnboardingTemplate, Package

#: What a person asks for beside the kind itself, such as {"package": "basic"}.
Given = Mapping[str, Any]


class Facts(Protocol):
    """What is known of a user: a Subscriber, or a row of some of its columns."""

    @property
    def status(self) -> str: ...
    @property
    def deleted_at(self) -> datetime | None: ...
    @property
    def webex_id(self) -> str | None: ...
    @property
    def email(self) -> str: ...
    @property
    def package(self) -> str: ...


class Choice(NamedTuple):
    """The values of a parameter that can be asked for, and what to say of any other."""

    values: tuple[str, ...]
    words: Any


class Shown(NamedTuple):
    """The parameters that the timeline shows as before and after; "" for none."""

    before: str = ""
    after: str = ""


_NOTHING = Shown()
_SEND = _("{name} is about to send the request")


def _no_params(user: Facts, template: OnboardingTemplate, given: Given) -> dict[str, str]:
    return {}


def _no_objection(user: Facts, given: Given) -> str:
    return ""


def _is_settled_well(row: Subscriber, job: Job) -> bool:
    """Provisioned and the three waiting statuses are success (reliability.md 2.2)."""
    return row.backend_status == Status.PROVISIONED or row.backend_status in PENDING


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The rules of one kind of job.

    Attributes:
        right: what asking for it, undoing, repeating and sending it take.
        icon: of `icons.svg`.
        asked: what the timeline says of who asked; `%(what)s` is the parameter `shown.after`.
        logged: the same in the log of all that people did, before the user's name.
        about_to: whose turn it is just before the first byte; `{name}` is who acts.
        statuses: in which a user can have such a job (DESIGN section 4, "Which action when").
        is_portal: the portal makes it, no administrator; its rules were asked there.
        is_for_many: it can be asked for many users at once.
        copied: columns of the user that become parameters as they are.
        params: the other parameters; `given` is what the person asked for. With `copied` it is
            all that the steps need, as a first step may take from Webex what the next one sends.
        shown: which of the parameters the timeline tells.
        choices: what must be given, and the values it may have.
        objection: the code (codes.SKIP_…) of what else stands against it for a user, or "".
        activates: it makes the user active with the parameter `email`, which must be usable;
            *provision admin first* holds, and a confirmation mail under way is worth nothing.
        removes: it ends with Webex not holding the user, even where somebody else was quicker.
        has_grace: nothing is sent for DELETE_GRACE_SECONDS, and it can be undone so long.
        exchanges: how many it has with Webex, questions included, as long as nothing was measured.
        succeeded: whether a settled answer of Webex is what was asked for.
    """

    right: Right
    icon: str
    asked: Any
    logged: Any = ""
    about_to: Any = _SEND
    statuses: frozenset[Status]
    is_portal: bool = False
    is_for_many: bool = True
    copied: tuple[str, ...] = ("webex_id",)
    params: Callable[[Facts, OnboardingTemplate, Given], dict[str, str]] = _no_params
    shown: Shown = _NOTHING
    choices: Mapping[str, Choice] = field(default_factory=dict)
    objection: Callable[[Facts, Given], str] = _no_objection
    activates: bool = False
    removes: bool = False
    has_grace: bool = False
    exchanges: int = 1
    succeeded: Callable[[Subscriber, Job], bool] = _is_settled_well

    @property
    def grace(self) -> timedelta:
        """How long nothing is sent; zero for most, and where the setting is 0."""
        return scaled(settings.DELETE_GRACE_SECONDS) if self.has_grace else timedelta()


# ---- Retry ----


def usable_address(email: str) -> str:
    """The address that a user has as a job can use it; "" when none can be made of it."""
    try:
        return normalise(email)
    except BadAddress:
        return ""


def _retry_params(user: Facts, template: OnboardingTemplate, given: Given) -> dict[str, str]:
    """`given["email"]` is a normalised one; without it the user's own is tried again."""
    return {
        "package": user.package or template.default_package,
        "language": template.language,
        "email": given["email"] if "email" in given else usable_address(user.email),
    }


# ---- Change of the package ----


def _package_params(user: Facts, template: OnboardingTemplate, given: Given) -> dict[str, str]:
    """The former is for those who read the job."""
    return {"package": given["package"], "former": user.package}


def _package_objection(user: Facts, given: Given) -> str:
    """A package is changed by PUT on the subscriber, so Webex must hold it (domain.md 4)."""
    if not user.webex_id:
        return codes.SKIP_NOT_HELD
    return codes.SKIP_SAME_PACKAGE if user.package == given.get("package") else ""


def _has_the_package(row: Subscriber, job: Job) -> bool:
    """A package is changed when the subscriber has it: a user in error stays in error."""
    return bool(row.package == job.params["package"])


# ---- The table ----

_STUCK = PENDING | {Status.ERROR}

#: By JobKind, whose values are what is stored.
KINDS: dict[str, Kind] = {
    JobKind.PROVISION: Kind(
        right=Right.RETRY,
        icon="user",
        asked=_("confirmed %(what)s"),
        statuses=_STUCK,
        is_portal=True,
        is_for_many=False,
        activates=True,
        exchanges=3,
    ),
    JobKind.RETRY: Kind(
        right=Right.RETRY,
        icon="retry",
        asked=_("retried the activation with %(what)s"),
        logged=_("retried the activation of"),
        statuses=_STUCK,
        copied=(
            *("webex_id", "first_name", "last_name"),
            *("primary_phone", "mobile_phone", "extension"),
        ),
        params=_retry_params,
        shown=Shown(after="email"),
        activates=True,
        exchanges=3,
    ),
    JobKind.DELETE: Kind(
        right=Right.DELETE,
        icon="trash",
        asked=_("asked to delete the user"),
        logged=_("deleted the user"),
        about_to=_("{name} is about to delete the user"),
        statuses=_STUCK | {Status.PROVISIONED},
        removes=True,
        has_grace=True,
    ),
    JobKind.PACKAGE: Kind(
        right=Right.CHANGE_PACKAGE,
        icon="package",
        asked=_("changed the package to %(what)s"),
        logged=_("changed the package of"),
        statuses=_STUCK | {Status.PROVISIONED},
        params=_package_params,
        shown=Shown("former", "package"),
        choices={"package": Choice(tuple(Package.values), _("Choose one of the packages."))},
        objection=_package_objection,
        exchanges=2,
        succeeded=_has_the_package,
    ),
}


def kind_of(name: str) -> Kind:
    """The rules of a stored kind."""
    return KINDS[name]


def allowed_kinds(status: str, *, busy: bool) -> frozenset[str]:
    """What may be started on a subscriber; `busy` = one of its jobs is unfinished.

    While Webex works, or while the status is one that we do not know, nothing may.
    """
    if busy:
        return frozenset()
    return frozenset(
        name for name, kind in KINDS.items() if status in kind.statuses and not kind.is_portal
    )
