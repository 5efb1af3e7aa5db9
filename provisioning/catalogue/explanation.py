"""What the catalogue of errors is made of."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: A text that is translated when it is shown.
Words = str | Promise


class Actor(models.TextChoices):
    """Whose turn it is, as the administrator reads it before the colon of the turn."""

    ADMINISTRATOR = "administrator", _("You")
    USER = "user", _("User")
    CUSTOMER = "customer", _("Customer")
    PARTNER = "partner", _("Full administrator")
    OPERATIONS = "operations", _("Operations")
    WEBEX = "webex", "Webex"
    CISCO_SUPPORT = "cisco_support", _("Cisco support")


class Retry(enum.Enum):
    """Whether trying again helps."""

    YES = "yes"
    OTHER_ADDRESS = "other_address"
    AFTER_FIX = "after_fix"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Portal:
    """The end user's words: what happened, and what happened means."""

    title: Words
    text: Words


@dataclass(frozen=True, slots=True)
class Explanation:
    """One error code, explained to an administrator and to the end user.

    Attributes:
        code: Cisco's number as text, or one of ours (`PH-…`); "" when the backend gave none.
        title: short, for a row or a heading.
        why: how it comes about.
        actor: whose turn it is.
        turn: what that one must do, short, read after the actor and a colon.
        advice: what the administrator should do, in whole sentences.
        portal_title, portal_text: the same for the end user: no codes, names or technical words.
        retry: whether trying again helps.
        address_fault: True when the email address is the cause.
        template_fault: True when the user came by another template's link than his colleagues.
        cisco_text: Cisco's own message ("Webex App Error Messages For Calling"), or "".
    """

    code: str
    title: Words
    why: Words
    actor: Actor
    turn: Words
    advice: Words
    portal_title: Words
    portal_text: Words
    retry: Retry
    address_fault: bool = False
    template_fault: bool = False
    cisco_text: str = ""


def explained(  # noqa: PLR0913 -- a line of the table
    code: str,
    cisco_text: str,
    title: Words,
    turn: tuple[Actor, Words],
    portal: Portal,
    *,
    why: Words,
    advice: Words,
    retry: Retry = Retry.AFTER_FIX,
    template_fault: bool = False,
) -> Explanation:
    """Make a line of the catalogue; an address is at fault exactly when another one helps."""
    return Explanation(
        code=code,
        title=title,
        why=why,
        actor=turn[0],
        turn=turn[1],
        advice=advice,
        portal_title=portal.title,
        portal_text=portal.text,
        retry=retry,
        address_fault=retry is Retry.OTHER_ADDRESS,
        template_fault=template_fault,
        cisco_text=cisco_text,
    )
