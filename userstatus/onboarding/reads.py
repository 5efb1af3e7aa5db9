"""What the pages about onboarding templates show, read with a fixed number of queries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from provisioning.catalogue import Explanation, explain
from provisioning.lists import counts as user_counts
from provisioning.lists import longest_waiting
from provisioning.lists.counts import UserSum
from provisioning.lists.longest_waiting import Stuck
from provisioning.models import Activation
from provisioning.states import ActivationState, Status
from templates_app import readiness
from templates_app.models import OnboardingTemplate
from templates_app.readiness import Check, Facts
from userstatus import counts
from userstatus.statuses import Look, look_of_word

#: Refused runs of the portal are of interest for so long.
LATELY = timedelta(days=7)
ATTEMPTS_SHOWN = 20


@dataclass(frozen=True)
class TemplateLine:
    """A template in the list."""

    template: OnboardingTemplate
    checks: list[Check]
    statuses: Counter[str]

    @property
    def users(self) -> int:
        """All live users."""
        return self.statuses.total()

    @property
    def errors(self) -> int:
        """Users who show an error."""
        return self.statuses[Status.ERROR]

    @property
    def waiting(self) -> int:
        """How many wait for the portal: consent is given elsewhere."""
        return waiting_in(self.statuses)

    @property
    def wrong(self) -> list[Check]:
        """The checks that are not in order."""
        return [check for check in self.checks if check.tone != readiness.GOOD]

    def check(self, name: str) -> Check | None:
        """One check by its name; None when it does not apply."""
        return next((check for check in self.checks if check.name == name), None)

    @property
    def worst(self) -> Check | None:
        """What is wrong, if anything."""
        return readiness.worst(self.checks)


@dataclass(frozen=True)
class Summary:
    """The partner's templates, oldest first, and what is counted of their users."""

    lines: list[TemplateLine]
    tallies: list[UserSum]

    @property
    def ids(self) -> list[int]:
        return [line.template.pk for line in self.lines]


def summary(user: Any) -> Summary:
    """All templates of the partner with readiness and counts; few queries, whatever their users."""
    templates = _templates(user)
    found = user_counts.of_templates([template.pk for template in templates])
    return Summary(_lines(templates, templates, found), found)


def lines(user: Any) -> list[TemplateLine]:
    """The templates alone."""
    return summary(user).lines


def line_of(user: Any, template: OnboardingTemplate) -> TemplateLine:
    """One template as in the list (the others are needed to recognise their links)."""
    templates = _templates(user)
    shown = [one for one in templates if one.pk == template.pk]
    return _lines(shown, templates, user_counts.of_templates([template.pk]))[0]


def _templates(user: Any) -> list[OnboardingTemplate]:
    found = OnboardingTemplate.objects.visible_to(user).select_related("partner")
    return list(found.order_by("pk"))


def _lines(
    shown: list[OnboardingTemplate], templates: list[OnboardingTemplate], found: list[UserSum]
) -> list[TemplateLine]:
    by_status = counts.by_template_and_status(found)
    firsts = longest_waiting.stuck([t.pk for t in shown if t.provision_admin_first])
    links = {template.activation_link: template for template in templates}
    return [
        TemplateLine(
            template=template,
            checks=readiness.checks(
                _facts(
                    template, links, by_status.get(template.pk, Counter()), firsts.get(template.pk)
                )
            ),
            statuses=by_status.get(template.pk, Counter()),
        )
        for template in shown
    ]


def _facts(
    template: OnboardingTemplate,
    links: dict[str, OnboardingTemplate],
    statuses: Counter[str],
    stuck: Stuck | None,
) -> Facts:
    return Facts(
        template=template,
        partner=template.partner,
        links={link: other.name for link, other in links.items() if other.pk != template.pk},
        waiting=waiting_in(statuses),
        first_in_line=[first.name or first.broadworks_id for first in stuck.firsts]
        if stuck
        else [],
        looked_at=stuck.looked_at if stuck else None,
    )


def waiting_in(statuses: Counter[str]) -> int:
    """How many wait for an address or its confirmation."""
    return statuses[Status.WAITING_ADDRESS] + statuses[Status.WAITING_CONFIRMATION]


@dataclass(frozen=True)
class StatusCount:
    """How many users of a template show a status, and the link that opens exactly those."""

    status: str
    label: str
    look: Look
    count: int
    url: str


def status_counts(template: OnboardingTemplate, statuses: Counter[str]) -> list[StatusCount]:
    """All known statuses in their order, then those that we do not know."""
    labels: dict[str, Any] = dict(Status.choices)
    names = [*labels, *sorted(set(statuses) - set(labels))]
    base = reverse("userstatus:users", args=[template.uuid])
    return [
        StatusCount(
            status=name,
            label=str(labels.get(name, name)),
            look=look_of_word(name),
            count=statuses[name],
            url=f"{base}?{urlencode({'status': name})}",
        )
        for name in names
    ]


@dataclass(frozen=True)
class Attempt:
    """A refused run of the portal by somebody without a subscriber."""

    activation: Activation
    explanation: Explanation


def attempts_without_user(template: OnboardingTemplate, now: datetime) -> list[Attempt]:
    """The newest refused runs of people whom Webex does not hold."""
    runs: QuerySet[Activation] = Activation.objects.filter(
        template=template,
        subscriber=None,
        state=ActivationState.REFUSED,
        created_at__gte=now - LATELY,
    ).order_by("-created_at")[:ATTEMPTS_SHOWN]
    return [Attempt(run, explain(run.error_code, run.error_text)) for run in runs]
