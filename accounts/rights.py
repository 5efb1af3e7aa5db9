"""Who may do what: one table that views, templates, tests and documents read (DESIGN section 4)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy


class Role(models.TextChoices):
    """What a partner's administrator is."""

    FULL = "full_administrator", gettext_lazy("Full administrator")
    ADMIN = "administrator", gettext_lazy("Administrator")
    READ_ONLY = "read_only", gettext_lazy("Read-only")


class Right(StrEnum):
    """What a view asks for."""

    SEE = "see"  # see, search, copy error text, export; look at jobs, templates, people
    ACT = "act"  # row actions, undo, own jobs
    MANAGE = "manage"  # others' jobs, templates, connection health, people


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.FULL: frozenset({Right.SEE, Right.ACT, Right.MANAGE}),
    Role.ADMIN: frozenset({Right.SEE, Right.ACT}),
    Role.READ_ONLY: frozenset({Right.SEE}),
}


def may(user: Any, right: Right) -> bool:
    """True when the user is an active administrator of a partner whose role has the right."""
    return bool(
        user.is_authenticated
        and user.is_active
        and user.partner_id
        and user.role in RIGHTS
        and right in RIGHTS[Role(user.role)]
    )
