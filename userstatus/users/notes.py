"""Quiet notes above the table: what the page's address said and could not be done."""

from __future__ import annotations

from django.utils.translation import gettext as _

from common.bidi import isolated
from provisioning.lists.finder import Finder
from provisioning.states import Status
from userstatus.users.facets import Facets, Option
from userstatus.users.paging import SIZES, Page, PageRequest


def notes_of(finder: Finder, page_request: PageRequest, page: Page, facets: Facets) -> list[str]:
    """Everything to tell, in the order of the page's address."""
    chosen, present = finder.chosen, {tally.status for tally in finder.everyone}
    notes = list(chosen.problems)
    unknown_statuses = set(chosen.statuses) - set(Status.values) - present
    for value in sorted(unknown_statuses):
        notes.append(
            _("“%(value)s” is not a status that Webex has reported.") % {"value": isolated(value)}
        )
    for value in _unknown(set(chosen.packages), facets.packages):
        notes.append(_("No user has a package called “%(value)s”.") % {"value": isolated(value)})
    for value in _unknown({chosen.error}, facets.errors):
        notes.append(_("No user has the error “%(value)s” now.") % {"value": isolated(value)})
    if chosen.enterprise and not page.rows and not finder.has_enterprise:
        words = _("No user belongs to the enterprise “%(value)s”.")
        notes.append(words % {"value": isolated(chosen.enterprise)})
    if chosen.template and not any(option.is_chosen for option in facets.templates):
        notes.append(_("You have no template with the ID in the address of this page."))
    if page_request.odd_size:
        sizes = ", ".join(str(size) for size in SIZES)
        notes.append(_("A page shows %(sizes)s rows.") % {"sizes": sizes})
    if page.lost:
        notes.append(_("The place in the list was not understood: this is the first page."))
    return notes


def _unknown(values: set[str], options: list[Option]) -> list[str]:
    return sorted(values - {""} - {option.value for option in options})
