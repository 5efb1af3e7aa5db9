"""Orders of exports: which users, how many, what kind of file; whether that can be done at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import Partner, User
from common import folding
from common.refusals import Refused
from provisioning import timing
from provisioning.exports import writer, xlsx
from provisioning.lists import filters
from provisioning.lists.filters import UserFilter
from provisioning.lists.finder import Finder
from provisioning.models import Export, Subscriber
from provisioning.states import ExportFormat
from templates_app.models import OnboardingTemplate

FILE_LIFETIME = timedelta(hours=24)
#: Users that are named one by one, ticked or left out.
MAX_NAMED = 10_000
#: Of what the name of a file tells of its template, in characters.
_MAX_NAME_LENGTH = 100


class ExportRefused(Refused):
    """No export can be started now.

    Attributes:
        running: the person's own running export, if that is the reason.
    """

    def __init__(self, code: str, message: str, *, running: Export | None = None) -> None:
        super().__init__(code, message)
        self.running = running


@dataclass(frozen=True)
class Choice:
    """Which users go into a file, and into what kind of file.

    Attributes:
        ticked: ids of the only ones that are wanted; None for all that match the filters.
        left_out: ids that are not wanted, where all that match are.
    """

    ticked: tuple[int, ...] | None = None
    left_out: tuple[int, ...] = ()
    format: ExportFormat = ExportFormat.CSV


#: All that match the filters, as CSV.
EVERYBODY = Choice()


def order_of(
    partner: Partner,
    owner: User,
    template: OnboardingTemplate | None,
    chosen: UserFilter,
    choice: Choice,
    now: datetime,
) -> Export:
    """The row of an export as ordered, not yet saved.

    Raises:
        ExportRefused: too many users are named, or none of those named is in the list.
    """
    of_whom = template_of(partner, template, chosen) or partner
    export = Export(
        partner=partner,
        owner=owner,
        template=template,
        query=_kept(chosen, template),
        format=choice.format,
        file_name=_file_name(of_whom.name, choice.format, now),
        lease_until=now + timing.scaled(writer.HINT_SECONDS),
        created_at=now,
        expires_at=now + FILE_LIFETIME,
    )
    if choice.ticked is None:
        export.left_out = _named(export, choice.left_out)
        export.total = count(owner, template, chosen, choice)
    else:
        export.ticked = _named(export, choice.ticked)
        export.total = len(export.ticked)
        if not export.ticked:
            raise ExportRefused("nobody", _("None of the selected users is in this list any more."))
    return export


def _named(export: Export, ids: Iterable[int]) -> list[int]:
    """Those of the ids that are users of this list, in an order that two clicks agree on."""
    wanted = frozenset(ids)
    if len(wanted) > MAX_NAMED:
        message = _(
            "At most %(most)s users can be selected one by one for an export; these are %(count)s. "
            "Export all that match the filters instead."
        )
        numbers = {"most": number_format(MAX_NAMED), "count": number_format(len(wanted))}
        raise ExportRefused("too_many_named", message % numbers)
    users = Subscriber.objects.live().filter(partner=export.partner, pk__in=wanted)
    if export.template:
        users = users.filter(template=export.template)
    return sorted(users.values_list("pk", flat=True)) if wanted else []


def count(
    user: User, template: OnboardingTemplate | None, chosen: UserFilter, choice: Choice
) -> int | None:
    """How many users the filters leave; None when counting them takes longer than a click."""
    users = Subscriber.objects.visible_to(user).live()
    templates = OnboardingTemplate.objects.visible_to(user).order_by("pk")
    if template:
        users, chosen = users.filter(template=template), chosen.without("template")
        templates = templates.filter(pk=template.pk)
    elif chosen.template:
        templates = templates.filter(uuid=chosen.template)
        users = users.filter(template__in=templates)
    finder = Finder(users, list(templates.values_list("pk", flat=True)), chosen)
    total, is_capped = finder.total
    return None if is_capped else max(total - _matching(finder, choice), 0)


def count_ticked(user: User, template: OnboardingTemplate | None, ticked: Iterable[int]) -> int:
    """How many of these ids are users of the list."""
    users = Subscriber.objects.visible_to(user).live().filter(pk__in=frozenset(ticked))
    return (users.filter(template=template) if template else users).count()


def _matching(finder: Finder, choice: Choice) -> int:
    """How many of those left out would have been in the list."""
    if not choice.left_out:
        return 0
    named = finder.users.filter(pk__in=choice.left_out[:MAX_NAMED])
    return filters.among(named, finder.chosen).count()


def refuse_too_many_rows(export: Export) -> None:
    """Nothing is written that an Excel file does not take."""
    if export.format != ExportFormat.XLSX:
        return
    if export.total is None:
        export.total = writer.users_of(export).order_by().count()
    if export.total > xlsx.MAX_ROWS:
        message = _(
            "An Excel file takes at most %(most)s users, and these are %(count)s. "
            "Export them as CSV, which takes any number, or narrow the list."
        )
        numbers = {"most": number_format(xlsx.MAX_ROWS), "count": number_format(export.total)}
        raise ExportRefused("too_many_rows", message % numbers)


def _kept(chosen: UserFilter, template: OnboardingTemplate | None) -> str:
    """The filters as one query string that says it all, also which template."""
    return (replace(chosen, template=template.uuid) if template else chosen).query()


def template_of(
    partner: Partner, template: OnboardingTemplate | None, chosen: UserFilter
) -> OnboardingTemplate | None:
    """The template whose users are exported: the page's own, or the partner's that is chosen."""
    if template or not chosen.template:
        return template
    return OnboardingTemplate.objects.filter(partner=partner, uuid=chosen.template).first()


def _file_name(of_whom: str, kind: ExportFormat, now: datetime) -> str:
    """A short name of plain letters; day of the order, in our time zone."""
    of_what = folding.file_name(of_whom)[:_MAX_NAME_LENGTH].rstrip("-")
    return f"user-status-{of_what or 'export'}-{timezone.localdate(now):%Y-%m-%d}.{kind.value}"
