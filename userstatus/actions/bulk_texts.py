"""What the bulk actions say: every text has the verb and the number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from common.templatetags.look import figure


@dataclass(frozen=True)
class BulkWords:
    """The words of one action on many users; `counted` puts the numbers in.

    Attributes:
        bar: the bar's button where nothing counts, without JavaScript.
        button: title of the dialog, its button, and the bar's button.
        all_can, some_can, none_can: the verdict; `some_can` has `%(able)s` and `%(total)s`.
        queued: what is said once it is accepted.
    """

    bar: Any
    button: Any
    all_can: Any
    some_can: Any
    none_can: Any
    queued: Any

    @property
    def one(self) -> str:
        """The bar's button for one user."""
        return counted(self.button, 1)

    @property
    def many(self) -> str:
        """The bar's button for more, with `{n}` where the script puts the number."""
        return str(self.button % {"n": 2, "count": "{n}"})


def counted(words: Any, number: int) -> str:
    """The words with the number, in the reader's notation, as `%(count)s`."""
    return str(words % {"n": number, "count": figure(number)})


#: While the time of grace of a delete runs; the page counts `%(seconds)s` down.
DELETING = ngettext_lazy(
    "Deleting %(count)s user in %(seconds)s s", "Deleting %(count)s users in %(seconds)s s", "n"
)

RETRY = BulkWords(
    bar=_("Retry selected users"),
    button=ngettext_lazy("Retry %(count)s user", "Retry %(count)s users", "n"),
    all_can=ngettext_lazy("This user can be retried.", "All %(count)s users can be retried.", "n"),
    some_can=_("%(able)s of %(total)s users can be retried."),
    none_can=ngettext_lazy(
        "This user cannot be retried.", "None of the %(count)s users can be retried.", "n"
    ),
    queued=ngettext_lazy(
        "Queued: the activation of one user will be tried again.",
        "Queued: the activation of %(count)s users will be tried again.",
        "n",
    ),
)
PACKAGE = BulkWords(
    bar=_("Change package of selected users"),
    button=ngettext_lazy(
        "Change package of %(count)s user", "Change package of %(count)s users", "n"
    ),
    all_can=ngettext_lazy(
        "This user can have another package.",
        "All %(count)s users can have another package.",
        "n",
    ),
    some_can=_("%(able)s of %(total)s users can have another package."),
    none_can=ngettext_lazy(
        "This user cannot have another package now.",
        "None of the %(count)s users can have another package now.",
        "n",
    ),
    queued=ngettext_lazy(
        "Queued: the package of one user will be changed.",
        "Queued: the package of %(count)s users will be changed.",
        "n",
    ),
)
DELETE = BulkWords(
    bar=_("Delete selected users"),
    button=ngettext_lazy("Delete %(count)s user", "Delete %(count)s users", "n"),
    all_can=ngettext_lazy("This user can be deleted.", "All %(count)s users can be deleted.", "n"),
    some_can=_("%(able)s of %(total)s users can be deleted."),
    none_can=ngettext_lazy(
        "This user cannot be deleted.", "None of the %(count)s users can be deleted.", "n"
    ),
    queued=ngettext_lazy(
        "Queued: one user will be deleted.", "Queued: %(count)s users will be deleted.", "n"
    ),
)
