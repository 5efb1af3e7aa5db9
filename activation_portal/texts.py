"""Small choices of words that depend on what went before."""

from __future__ import annotations

from django.utils.translation import gettext as _

from provisioning.catalogue import Explanation


def button_of(refusal: Explanation | None) -> str:
    """The button under the address: a first try continues, any other tries again."""
    return _("Try again") if refusal else _("Continue")


def address_hint(refusal: Explanation | None) -> str:
    """The hint under the address field."""
    if refusal is not None and refusal.address_fault:
        return _("Use another work address, or a private one if your company allows it.")
    return _("Best is your work address. An address can belong to one phone user only.")
