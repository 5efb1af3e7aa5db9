"""The users of a bulk dialog, frozen: signed text that the form carries from GET to POST.

What was shown is what is done, whatever the list looks like by then. The text is bound to the
person, the template and the action, and good for an hour.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from django.core import signing
from django.utils.translation import gettext as _

from accounts.models import User
from common.refusals import Refused
from provisioning.states import JobKind
from templates_app.models import OnboardingTemplate
from userstatus.row_keys import joined, keys_of

SALT = "userstatus.bulk"
#: After that the statuses that were shown are too old to act on.
SELECTION_LIFETIME = timedelta(hours=1)


class NotUsable(Refused):
    """The text cannot be acted on.

    `code` is `broken` (not ours, or changed), `expired` or `foreign` (another person, template or
    action).
    """


@dataclass(frozen=True)
class Purpose:
    """Whose dialog it is, and what about."""

    user: User
    template: OnboardingTemplate
    kind: JobKind

    @property
    def mark(self) -> list[int | str]:
        """What a frozen text must agree with."""
        return [self.user.pk, self.template.partner_id, self.template.pk, self.kind.value]


@dataclass(frozen=True)
class Frozen:
    """What the dialog showed.

    Attributes:
        ids: users, at most bulk.services.MAX_BATCH_USERS.
        able: for how many it could be done; with a package, for the one that suits most.
        query: the filters that chose them; "" when they were ticked.
        submission_id: of the form: sending it twice makes one batch.
    """

    ids: tuple[int, ...]
    able: int
    query: str
    submission_id: uuid.UUID


def freeze(purpose: Purpose, ids: tuple[int, ...], *, able: int, query: str) -> str:
    """Make the text: under 70 kB for 10,000 users."""
    return _written(purpose, Frozen(ids, able, query, uuid.uuid4()))


def freeze_again(purpose: Purpose, frozen: Frozen, *, able: int) -> str:
    """Make the text of the same form, shown once more with another number."""
    return _written(purpose, replace(frozen, able=able))


def _written(purpose: Purpose, frozen: Frozen) -> str:
    content = {
        "for": purpose.mark,
        "ids": joined(frozen.ids),
        "able": frozen.able,
        "query": frozen.query,
        "form": frozen.submission_id.hex,
    }
    return signing.dumps(content, salt=SALT, compress=True)


def thaw(purpose: Purpose, text: str) -> Frozen:
    """Read the text.

    Raises:
        NotUsable: it is broken, too old, or was made for something else.
    """
    try:
        content = signing.loads(text, salt=SALT, max_age=SELECTION_LIFETIME)
    except signing.SignatureExpired:
        message = _("This was opened more than an hour ago, and much may have changed since.")
        raise NotUsable("expired", message) from None
    except signing.BadSignature:
        message = _("What was sent is not what this page made: it is incomplete or was changed.")
        raise NotUsable("broken", message) from None
    if content["for"] != purpose.mark:
        message = _("What was sent was made for another person, template or action.")
        raise NotUsable("foreign", message)
    return Frozen(
        tuple(keys_of([content["ids"]])),
        content["able"],
        content["query"],
        uuid.UUID(content["form"]),
    )
