"""Our own codes (codes.py) for why nothing was sent, explained.

End users never meet them: their words are those of a moment at which nothing can be done.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from provisioning import codes
from provisioning.catalogue.explanation import Actor, Retry, explained
from provisioning.catalogue.words import LATER

SKIP_CODES = (
    explained(
        codes.SKIP_STATUS,
        "",
        _("The status does not allow it"),
        (Actor.ADMINISTRATOR, _("look at the status first")),
        LATER,
        why=_(
            "Active users need no retry, and while Webex works on a user nothing can be begun. The "
            "status was looked at again just before the request; nothing was sent."
        ),
        advice=_("Look at the user’s status now. If the action still makes sense, do it again."),
    ),
    explained(
        codes.SKIP_BUSY,
        "",
        _("Another action has not ended yet"),
        (Actor.ADMINISTRATOR, _("wait until the other action has ended")),
        LATER,
        why=_("A user has one action at a time, so that they cannot overtake each other."),
        advice=_("Wait until the other action has ended, look at its result, then do it again."),
        retry=Retry.YES,
    ),
    explained(
        codes.SKIP_NO_ADDRESS,
        "",
        _("No usable email address"),
        (Actor.ADMINISTRATOR, _("retry with an address")),
        LATER,
        why=_(
            "A retry of many users takes the address that each one has. This user has none, or one "
            "that mail cannot be sent to."
        ),
        advice=_("Retry the activation of this user alone and enter an address."),
        retry=Retry.OTHER_ADDRESS,
    ),
    explained(
        codes.SKIP_ADMIN_FIRST,
        "",
        _("The customer’s administrator comes first"),
        (Actor.ADMINISTRATOR, _("get the first user active")),
        LATER,
        why=_(
            "The template provisions the administrator first, and nobody of this customer is "
            "active yet. Until somebody is, only the customer’s earliest user can pass."
        ),
        advice=_(
            "Get the earliest user active, then do it again. Or retry one user alone and make that "
            "user the customer’s administrator."
        ),
    ),
    explained(
        codes.SKIP_SAME_PACKAGE,
        "",
        _("Has this package already"),
        (Actor.ADMINISTRATOR, _("nothing to do")),
        LATER,
        why=_("The user has the package that was asked for. Nothing was sent."),
        advice=_("Nothing to do. Choose another package if this one is not right."),
        retry=Retry.NO,
    ),
    explained(
        codes.SKIP_DELETED,
        "",
        _("No longer in this list"),
        (Actor.ADMINISTRATOR, _("look the user up")),
        LATER,
        why=_("The user was deleted, or moved to another template, before the request was sent."),
        advice=_("Look the user up. A user of another template can be found in the list of all."),
        retry=Retry.NO,
    ),
    explained(
        codes.SKIP_NOT_HELD,
        "",
        _("Webex does not hold this user now"),
        (Actor.ADMINISTRATOR, _("retry the activation first")),
        LATER,
        why=_(
            "An earlier retry removed the user at Webex and could not add the user again. A "
            "package can be changed only of a user whom Webex holds."
        ),
        advice=_("Retry the activation, then change the package."),
    ),
)
