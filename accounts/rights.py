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
    """What a view or a service asks for."""

    SEE = "see"  # see, search, copy error text, export; look at jobs, templates, people
    RETRY = "retry"  # retry activations; with each action: undo it, and one's own jobs of it
    DELETE = "delete"
    CHANGE_PACKAGE = "change_package"
    ACT = "act"  # any of the actions; comes with each of them and stands in no line of RIGHTS
    MANAGE = "manage"  # others' jobs, templates, connection health, people


#: The actions on users, each a right of its own; which action takes which: provisioning/kinds.py.
ACTIONS = frozenset({Right.RETRY, Right.DELETE, Right.CHANGE_PACKAGE})

RIGHTS: dict[str, frozenset[Right]] = {
    Role.FULL: frozenset({Right.SEE, *ACTIONS, Right.MANAGE}),
    Role.ADMIN: frozenset({Right.SEE, *ACTIONS}),
    Role.READ_ONLY: frozenset({Right.SEE}),
}


def has_right(role: str, right: Right) -> bool:
    """Whether the line of the role has the right, or for ACT any of the actions."""
    rights = RIGHTS.get(role, frozenset())
    return bool(rights & ACTIONS) if right is Right.ACT else right in rights


def may(user: Any, right: Right) -> bool:
    """True when the user is an active administrator of a partner whose role has the right."""
    return bool(
        user.is_authenticated and user.is_active and user.partner_id and has_right(user.role, right)
    )
