"""Counts that the console pages show: each is one query over the partner's own rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, IntegerField, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from provisioning.models import Subscriber
from provisioning.states import PENDING, Status
from templates_app.models import OnboardingTemplate

#: What *provision admin first* counts as somebody being active.
ACTIVE = [Status.PROVISIONED, Status.UPDATING]


def templates_with_errors(user: Any) -> QuerySet[OnboardingTemplate]:
    """The partner's templates, each with `error_count`."""
    errors = (
        Subscriber.objects.failing()
        .filter(template=OuterRef("pk"))
        .order_by()
        .values("template")
        .annotate(n=Count("pk"))
        .values("n")
    )
    error_count = Coalesce(Subquery(errors), 0, output_field=IntegerField())
    found: QuerySet[OnboardingTemplate] = OnboardingTemplate.objects.visible_to(user)
    return found.annotate(error_count=error_count).order_by("pk")


def by_template_and_status(user: Any) -> dict[int, Counter[str]]:
    """How many live users of each template show each status."""
    rows = (
        Subscriber.objects.visible_to(user)
        .live()
        .order_by()
        .values_list("template_id", "status")
        .annotate(n=Count("pk"))
    )
    found: dict[int, Counter[str]] = {}
    for template_id, status, n in rows:
        found.setdefault(template_id, Counter())[status] = n
    return found


@dataclass(frozen=True)
class CauseCount:
    """How many users show one error code, by whether they failed or wait."""

    code: str
    failed: int
    waiting: int
    oldest: datetime | None


def causes(user: Any) -> list[CauseCount]:
    """Error codes of the partner's users, those with the most users first."""
    rows = (
        Subscriber.objects.visible_to(user)
        .live()
        .filter(Q(status=Status.ERROR) | ~Q(error_code="", error_text=""))
        .order_by()
        .values("error_code")
        .annotate(
            failed=Count("pk", filter=Q(status=Status.ERROR)),
            waiting=Count("pk", filter=Q(status__in=PENDING)),
            oldest=Min("error_at"),
        )
    )
    found = [
        CauseCount(row["error_code"], row["failed"], row["waiting"], row["oldest"])
        for row in rows
        if row["failed"] or row["waiting"]
    ]
    return sorted(found, key=lambda cause: (-cause.failed - cause.waiting, cause.code))


def first_in_line(templates: Iterable[OnboardingTemplate]) -> dict[int, list[Subscriber]]:
    """By template: who must be active first, in each enterprise where nobody is (one query).

    The rule of `provisioning.selectors.first_in_line`, for several templates at once.
    """
    ids = [template.pk for template in templates if template.provision_admin_first]
    if not ids:
        return {}
    users = Subscriber.objects.live().filter(template__in=ids)
    same = users.filter(
        template=OuterRef("template"), enterprise_id=OuterRef("enterprise_id"), status__in=ACTIVE
    )
    firsts = (
        users.filter(~Exists(same))
        .order_by("template_id", "enterprise_id", "backend_created_at", "id")
        .distinct("template_id", "enterprise_id")
    )
    found: dict[int, list[Subscriber]] = {}
    for row in firsts:
        found.setdefault(row.template_id, []).append(row)
    return found
