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
    def claims(self) -> list[int | str]:
        """What a frozen text must agree with."""
        return [self.user.pk, self.template.partner_id, self.template.pk, self.kind.value]


@dataclass(frozen=True)
class SignedSelection:
    """What the dialog showed.

    Attributes:
        ids: users, at most bulk.limits.MAX_BATCH_USERS.
        able: for how many it could be done; with a package, for the one that suits most.
        query: the filters that chose them; "" when they were ticked.
        submission_id: of the form: sending it twice makes one batch.
    """

    ids: tuple[int, ...]
    able: int
    query: str
    submission_id: uuid.UUID


def sign(purpose: Purpose, ids: tuple[int, ...], *, able: int, query: str) -> str:
    """Make the text: under 70 kB for 10,000 users."""
    return _signed_text(purpose, SignedSelection(ids, able, query, uuid.uuid4()))


def sign_again(purpose: Purpose, frozen: SignedSelection, *, able: int) -> str:
    """Make the text of the same form, shown once more with another number."""
    return _signed_text(purpose, replace(frozen, able=able))


def _signed_text(purpose: Purpose, frozen: SignedSelection) -> str:
    content = {
        "for": purpose.claims,
        "ids": joined(frozen.ids),
        "able": frozen.able,
        "query": frozen.query,
        "form": frozen.submission_id.hex,
    }
    return signing.dumps(content, salt=SALT, compress=True)


def read(purpose: Purpose, text: str) -> SignedSelection:
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
    if content["for"] != purpose.claims:
        message = _("What was sent was made for another person, template or action.")
        raise NotUsable("foreign", message)
    return SignedSelection(
        tuple(keys_of([content["ids"]])),
        content["able"],
        content["query"],
        uuid.UUID(content["form"]),
    )
