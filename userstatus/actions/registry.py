"""The actions on a user, declared once: menu, addresses, rights, dialogs and tests read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import pgettext_lazy as in_context

from accounts.rights import Right, may
from common import clock
from common.bidi import isolated
from provisioning.kinds import allowed_kinds, kind_of
from provisioning.models import Job, Subscriber
from provisioning.states import UNSETTLED, JobKind
from provisioning.whose_turn import why_busy
from templates_app.models import OnboardingTemplate
from userstatus.actions import bulk_forms, bulk_texts, forms, verdict
from userstatus.actions.bulk_forms import BulkForm
from userstatus.actions.bulk_texts import BulkWords
from userstatus.actions.forms import ActionForm
from userstatus.actions.verdict import Judge


@dataclass(frozen=True)
class Bulk:
    """The same on many users: the form that asks for what all have in common, the words, and how
    the users are judged before.
    """

    form: type[BulkForm]
    words: BulkWords
    judge: Judge = verdict.verdict_of


@dataclass(frozen=True)
class Action:
    """One thing that can be done to a user.

    Attributes:
        name: name of the address in the namespace `userstatus`, and last part of its path.
        key: the key that runs it while the menu is open.
        right: what it takes.
        kind: the job it makes; None for what happens in the browser only.
        form: asks for what the service needs and calls it; None: no dialog.
        queued: what is said once it is accepted.
        bulk: the same on many users; None where it makes no sense.
    """

    name: str
    label: Any
    icon: str
    key: str
    right: Right
    kind: JobKind | None = None
    form: Callable[..., ActionForm] | None = None
    queued: Any = ""
    bulk: Bulk | None = None
    is_danger: bool = False


def _action(
    kind: JobKind, label: Any, key: str, form: type[ActionForm], queued: Any, bulk: Bulk
) -> Action:
    """The action that makes a job of the kind; right and icon are the kind's."""
    rules = kind_of(kind)
    return Action(
        name=str(kind),
        label=label,
        icon=rules.icon,
        key=key,
        right=rules.right,
        kind=kind,
        form=form,
        queued=queued,
        bulk=bulk,
        is_danger=rules.removes,
    )


RETRY = _action(
    JobKind.RETRY,
    in_context("row action", "Retry activation"),
    "R",
    forms.RetryForm,
    gettext_lazy("Queued: the activation of %(user)s will be tried again."),
    Bulk(bulk_forms.BulkRetryForm, bulk_texts.RETRY),
)
PACKAGE = _action(
    JobKind.PACKAGE,
    in_context("row action", "Change package type"),
    "P",
    forms.PackageForm,
    gettext_lazy("Queued: the package of %(user)s will be changed."),
    Bulk(bulk_forms.BulkPackageForm, bulk_texts.PACKAGE, verdict.of_packages),
)
COPY = Action("copy", in_context("row action", "Copy error text"), "copy", "C", Right.SEE)
DELETE = _action(
    JobKind.DELETE,
    in_context("row action", "Delete user"),
    "D",
    forms.DeleteForm,
    gettext_lazy("Queued: %(user)s will be deleted."),
    Bulk(bulk_forms.BulkDeleteForm, bulk_texts.DELETE),
)
#: Stands in an address for the template's own.
_PLACEHOLDER_ID = str(UUID(int=0))
#: In the order of the menu; the dangerous one is last.
ACTIONS = (RETRY, PACKAGE, COPY, DELETE)
#: In the order of the bar: the one that is wanted most stands last, at the edge.
BULK_ACTIONS = (PACKAGE, DELETE, RETRY)


@dataclass(frozen=True)
class Offer:
    """An action that this person may take on this user now.

    Attributes:
        url: where the dialog is, "" for what happens in the browser.
        copies: the text to copy, for `copy` only.
    """

    action: Action
    url: str = ""
    copies: str = ""


def actions_for(user: Any, subscriber: Subscriber, job: Job | None) -> list[Offer]:
    """What the person may do to the user now; `job` is the user's unfinished job, if any."""
    offers = []
    for action in ACTIONS:
        if refusal(action, user, subscriber, job):
            continue
        if action is COPY:
            offers.append(Offer(action, copies=error_report(subscriber)))
        else:
            offers.append(
                Offer(action, reverse(f"userstatus:{action.name}", args=[subscriber.uuid]))
            )
    return offers


def refusal(action: Action, user: Any, subscriber: Subscriber, job: Job | None) -> str:
    """Why the person may not do this to the user now, in words; "" when it can be done."""
    if not may(user, action.right):
        return _why_role_may_not(user)
    if action is COPY:
        return "" if has_error(subscriber) else _("There is no error to copy.")
    busy = job is not None
    if not subscriber.deleted_at and action.kind in allowed_kinds(subscriber.status, busy=busy):
        return ""
    return _state_refusal(subscriber, job)


def why_nothing(user: Any, subscriber: Subscriber, job: Job | None) -> str:
    """Why the person can change nothing about the user now."""
    if not may(user, Right.ACT):
        return _why_role_may_not(user)
    if not subscriber.deleted_at and allowed_kinds(subscriber.status, busy=job is not None):
        text = _("Your role allows nothing while the status is “%(status)s”.")
        return text % {"status": isolated(subscriber.status_label)}
    return _state_refusal(subscriber, job)


def _why_role_may_not(user: Any) -> str:
    if may(user, Right.ACT):
        return _("Your role does not allow this. A full administrator can give you another one.")
    return _("Your role is read-only. A full administrator can give you another one.")


def _state_refusal(subscriber: Subscriber, job: Job | None) -> str:
    """What stands against every job now."""
    if subscriber.deleted_at:
        return _("The user was deleted. Nothing more can be done here.")
    if job is not None:
        return why_busy(job, clock.now())
    if subscriber.status in UNSETTLED:
        return _("Webex is working on this user. Wait until it has ended, usually within a minute.")
    words = {"status": isolated(subscriber.status_label)}
    if not allowed_kinds(subscriber.status, busy=False):
        return _("Nothing can be done while the status is “%(status)s”.") % words
    return _("This cannot be done while the status is “%(status)s”.") % words


@dataclass(frozen=True)
class BulkOffer:
    """An action on many users of a template, and where its dialog is."""

    action: Action
    url: str


def bulk_offers(user: Any, template: OnboardingTemplate | None) -> list[BulkOffer]:
    """The buttons of the bar below a template's list, for what the person may do; none where the
    list is of all templates.
    """
    if template is None:
        return []
    return [
        BulkOffer(action, _bulk_path(action.name).replace(_PLACEHOLDER_ID, str(template.uuid)))
        for action in BULK_ACTIONS
        if may(user, action.right)
    ]


@cache
def _bulk_path(name: str) -> str:
    return reverse(f"userstatus:bulk_{name}", args=[_PLACEHOLDER_ID])


def has_error(subscriber: Subscriber) -> bool:
    """There is something that support would want to read."""
    return bool(subscriber.error_code or subscriber.error_text)


def error_report(subscriber: Subscriber) -> str:
    """What *Copy error text* copies: one thing a line, in English whatever the reader's language.

    What the API sent comes first, then code, tracking ID and time (UTC); what is unknown is left
    out.
    """
    at = subscriber.error_at
    lines = [
        subscriber.error_text.strip(),
        f"Code: {subscriber.error_code}" if subscriber.error_code else "",
        f"Tracking ID: {subscriber.error_tracking_id}" if subscriber.error_tracking_id else "",
        f"Time: {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else "",
    ]
    return "\n".join(line for line in lines if line)
