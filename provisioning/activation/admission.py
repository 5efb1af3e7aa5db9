"""Who may pass the portal, and what a refusal is. Asked again at every step: rules may change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from provisioning import codes, selectors
from provisioning.catalogue import Explanation, explain
from provisioning.catalogue.explanation import Portal
from provisioning.models import Activation, Job, Subscriber
from provisioning.states import PENDING, UNSETTLED, Status
from templates_app.models import OnboardingTemplate

#: The account is there: the user needs no activation.
ACTIVE = frozenset({Status.PROVISIONED})
#: Refusals by a rule of ours, which may change without the user doing anything.
RULES = frozenset({codes.PORTAL_CLOSED, codes.NOT_INVITED, codes.OTHER_TEMPLATE, codes.ADMIN_FIRST})


class PortalRefused(Exception):
    """The portal says no; the end user reads `explanation`, never `text`.

    Attributes:
        code: Cisco's or ours.
        text: what the API sent, or what the administrator should know (may hold names).
        tracking_id: Webex's, or "".
        words: what the end user reads in place of the catalogue's words.
    """

    def __init__(
        self, code: str, text: str = "", *, tracking_id: str = "", words: Portal | None = None
    ) -> None:
        super().__init__(code)
        self.code, self.text, self.tracking_id = code, text, tracking_id
        self.words = words

    @property
    def explanation(self) -> Explanation:
        """The catalogue's words."""
        found = explain(self.code, self.text)
        if self.words is None:
            return found
        return replace(found, portal_title=self.words.title, portal_text=self.words.text)


@dataclass(frozen=True)
class Admission:
    """What a run of the portal will activate.

    `subscriber` is None for somebody whom Webex does not hold: deleted here, or self-activating.
    """

    subscriber: Subscriber | None
    enterprise_id: str
    package: str

    @property
    def is_active(self) -> bool:
        """Nothing is left to do."""
        return self.subscriber is not None and self.subscriber.status in ACTIVE

    @property
    def is_underway(self) -> bool:
        """Webex is at work on the user."""
        return self.subscriber is not None and self.subscriber.backend_status in UNSETTLED


def admit(activation: Activation) -> Admission:
    """Decide anew whether this run may go on, and as whom.

    Raises:
        PortalRefused: the portal is closed, the user is not of this template, or is not the
            one who must be first.
    """
    template = activation.template
    if not template.untrusted_emails:
        raise PortalRefused(codes.PORTAL_CLOSED)
    admission = _admission(template, activation)
    if not admission.is_active:
        _check_turn(template, admission)
    return admission


def _admission(template: OnboardingTemplate, activation: Activation) -> Admission:
    user_id = activation.broadworks_id
    enterprise_id = enterprise_of(template, activation.profile)
    if row := own_row(template, user_id, enterprise_id):
        return Admission(row, row.enterprise_id, row.package or template.default_package)
    if template_of_other_row(template, user_id):
        raise PortalRefused(codes.OTHER_TEMPLATE)
    if gone := _deleted_row(template, user_id):
        enterprise_id, package = gone.enterprise_id or enterprise_id, gone.package
        return Admission(None, enterprise_id, package or template.default_package)
    if template.allow_self_activation:
        return Admission(None, enterprise_id, template.default_package)
    raise PortalRefused(codes.NOT_INVITED)


def enterprise_of(template: OnboardingTemplate, profile: dict[str, Any]) -> str:
    """The enterprise ID that BroadWorks' profile means under the template's enterprise mode."""
    return str(profile.get("enterprise" if template.enterprise_mode else "group_enterprise", ""))


def own_row(template: OnboardingTemplate, user_id: str, enterprise_id: str) -> Subscriber | None:
    """The live row of this template's user; of twins, the one of the user's enterprise."""
    rows = Subscriber.objects.called(user_id).filter(template=template)
    twins = list(rows.select_related("connection", "template", "partner").order_by("pk"))
    return next((row for row in twins if row.enterprise_id == enterprise_id), None) or (
        twins[0] if twins else None
    )


def template_of_other_row(template: OnboardingTemplate, user_id: str) -> Subscriber | None:
    """The user's row under another template of the same partner."""
    return (
        Subscriber.objects.called(user_id)
        .filter(partner_id=template.partner_id)
        .exclude(template=template)
        .first()
    )


def _deleted_row(template: OnboardingTemplate, user_id: str) -> Subscriber | None:
    """The user's newest deleted row, when it was one of our people who deleted it."""
    rows = Subscriber.objects.filter(template=template, broadworks_id__iexact=user_id)
    newest = rows.filter(deleted_at__isnull=False).order_by("-deleted_at").first()
    return newest if newest and newest.deleted_here else None


def _check_turn(template: OnboardingTemplate, admission: Admission) -> None:
    """*Provision admin first*: until somebody of the enterprise is active, one may pass."""
    row = admission.subscriber
    if not template.provision_admin_first or (row and row.is_customer_administrator):
        return
    first = selectors.first_in_line(template, admission.enterprise_id)
    if first is None or (row and first.pk == row.pk):
        return
    name = f"{first.name} ({first.broadworks_id})" if first.name else first.broadworks_id
    raise PortalRefused(codes.ADMIN_FIRST, f"{name} must be active first")


def unfinished_job(activation: Activation, admission: Admission) -> Job | None:
    """The user's unfinished job of any kind."""
    return (
        Job.objects.unfinished()
        .filter(
            template=activation.template,
            enterprise_id=admission.enterprise_id,
            broadworks_id__iexact=activation.broadworks_id,
        )
        .first()
    )


def is_waiting(row: Subscriber) -> bool:
    """Whether the row waits for the user, so that a refusal in the portal belongs on it."""
    return row.status in PENDING or row.status == Status.ERROR
