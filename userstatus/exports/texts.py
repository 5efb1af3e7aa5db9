"""The words of the export pages: what was chosen, what went wrong and what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from provisioning.exports import writer as export_writer
from provisioning.lists.filters import UserFilter
from provisioning.models import Export
from provisioning.states import ExportState
from templates_app.models import OnboardingTemplate
from userstatus.filter_texts import SORTS, value_of


@dataclass(frozen=True)
class Failure:
    """Why there is no file, and who does what next.

    Attributes:
        offer: what can be asked for instead: `again`, `csv`, or nothing.
    """

    what: str
    what_next: str
    code: str
    offer: str


_AGAIN = gettext_lazy("Try again. If it fails again, tell operations the code.")
_FAILURES = {
    export_writer.DISK_FULL: (
        gettext_lazy("The server had no room left for the file. No part of it was kept."),
        gettext_lazy("Tell operations, who must make room; then try again."),
    ),
    export_writer.NO_FILE: (
        gettext_lazy("The server could not write the file. No part of it was kept."),
        gettext_lazy("Tell operations the code; trying again will not help before they act."),
    ),
    export_writer.TOO_LATE: (
        gettext_lazy("Nobody finished the file within an hour, so it was given up."),
        gettext_lazy("Tell operations: the worker for exports may be stopped. Then try again."),
    ),
    export_writer.NO_RIGHT: (
        gettext_lazy("When the file was to be written, your account could not see these users."),
        gettext_lazy("Ask a full administrator of your company about your role."),
    ),
    export_writer.NO_TEMPLATE: (
        gettext_lazy("The template whose users were to be exported is not there any more."),
        gettext_lazy("Go back to User status and choose another template."),
    ),
    export_writer.LOST: (
        gettext_lazy("The file was lost or damaged on the server, so it is not handed out."),
        gettext_lazy("Make it again. If that happens again, tell operations the code."),
    ),
    export_writer.TOO_LARGE: (
        gettext_lazy("While it waited, the list grew larger than an Excel file takes."),
        gettext_lazy("Export it as CSV, which takes any number of users, or narrow the list."),
    ),
}
#: Where asking for the same again would end the same.
_OFFERS = {export_writer.NO_TEMPLATE: "", export_writer.TOO_LARGE: "csv"}
_BROKEN = gettext_lazy("Something went wrong on our side. No part of the file was kept.")


def failure_of(export: Export) -> Failure:
    """The words for a failed export."""
    what, what_next = _FAILURES.get(export.error, (_BROKEN, _AGAIN))
    return Failure(str(what), str(what_next), export.error, _OFFERS.get(export.error, "again"))


def time_left(seconds: int) -> str:
    """Say how long it takes, no more exactly than anybody can know."""
    if seconds >= 90:
        minutes = round(seconds / 60)
        return ngettext("about %(n)s minute left", "about %(n)s minutes left", minutes) % {
            "n": minutes
        }
    if seconds > 10:
        seconds = math.ceil(seconds / 5) * 5
    return ngettext("about %(n)s second left", "about %(n)s seconds left", seconds) % {"n": seconds}


#: State -> icon, tone and word of the status beside the heading.
STATES = {
    ExportState.QUEUED: ("clock", "busy", gettext_lazy("Queued")),
    ExportState.WRITING: ("provisioning", "busy", gettext_lazy("Being written")),
    ExportState.READY: ("provisioned", "good", gettext_lazy("Ready")),
    ExportState.FAILED: ("error", "bad", gettext_lazy("Failed")),
    ExportState.CANCELLED: ("stop", "note", pgettext_lazy("export state", "Cancelled")),
    ExportState.EXPIRED: ("clock", "note", gettext_lazy("Deleted")),
}


def chosen_words(
    chosen: UserFilter, template: OnboardingTemplate | None, *, is_ticked: bool
) -> list[tuple[str, str]]:
    """What narrows the list, as (name, value); always begins with the template.

    Users that were ticked are in the file whatever the filters say, so those are left out.
    """
    if is_ticked:
        chosen = UserFilter(sort=chosen.sort)
    gone = _("A template that is not there any more") if chosen.template else _("All templates")
    values = [
        (_("Template"), template.name if template else gone),
        (_("Search"), value_of("q", chosen)),
        (_("Status"), value_of("statuses", chosen)),
        (_("Package type"), value_of("packages", chosen)),
        (_("Error"), value_of("error", chosen)),
        (_("Enterprise ID"), value_of("enterprise", chosen)),
        (_("Left out"), value_of("exclude_provisioned", chosen)),
        (_("Order"), str(SORTS[chosen.sort])),
    ]
    return [(name, value) for name, value in values if value]
