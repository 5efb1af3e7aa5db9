"""Our own codes (codes.py) for how jobs end, explained."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from provisioning import codes
from provisioning.catalogue.explanation import Actor, Portal, Retry, explained
from provisioning.catalogue.words import LATER, REFUSED

_RETRY = (Actor.ADMINISTRATOR, _("retry the activation"))

JOB_CODES = (
    explained(
        codes.REFUSED,
        "",
        _("Refused by Webex"),
        (Actor.ADMINISTRATOR, _("read the error text, mend, retry")),
        REFUSED,
        why=_("Webex refused the request and gave no code for it. Its words are below, if any."),
        advice=_(
            "The error text is all that Webex said. If it does not tell what to mend, copy it and "
            "pass it to Cisco support with the tracking ID."
        ),
    ),
    explained(
        codes.GAVE_UP,
        "",
        _("No clear answer from Webex"),
        _RETRY,
        LATER,
        why=_("The request was sent several times, and Webex never answered clearly."),
        advice=_(
            "Look at the user’s status: it shows what Webex holds. If it has not changed, do the "
            "action again once the connection works."
        ),
        retry=Retry.YES,
    ),
    explained(
        codes.GONE,
        "",
        _("User no longer exists at Webex"),
        (Actor.CUSTOMER, _("assign the user in BroadWorks again")),
        Portal(
            _("Your account was removed while it was being made"),
            _("Try again to start over. If that fails, ask whoever gave you the link."),
        ),
        why=_("Somebody removed the user at Webex or in BroadWorks while the action ran."),
        advice=_(
            "If the user should exist, assign the user in BroadWorks again; the entry then comes "
            "back by itself."
        ),
    ),
    explained(
        codes.EXPIRED,
        "",
        _("Webex could not be reached in time"),
        _RETRY,
        LATER,
        why=_("The action waited for Webex until its time was over. Nothing was changed."),
        advice=_("Check the connection on the overview, then do the action again."),
        retry=Retry.YES,
    ),
    explained(
        codes.UNCLEAR,
        "",
        _("Webex never said how it ended"),
        (Actor.ADMINISTRATOR, _("check the status, then retry")),
        LATER,
        why=_("Webex took the request and has not finished it in the time we wait."),
        advice=_(
            "Look at the user’s status: it follows Webex also after this. If it stays where it is, "
            "retry, or pass the error to Cisco support."
        ),
        retry=Retry.YES,
    ),
    explained(
        codes.POISON,
        "",
        _("The action could not be run"),
        (Actor.OPERATIONS, _("find out why the worker stopped")),
        LATER,
        why=_("Three times the worker stopped while it ran this action. Nothing was sent."),
        advice=_("Tell operations the number of the job. Retry when they say so."),
    ),
    explained(
        codes.ASKER_LEFT,
        "",
        _("Who asked may no longer act"),
        (Actor.ADMINISTRATOR, _("do it again yourself, if it is right")),
        LATER,
        why=_(
            "Between the click and the sending, the person who asked lost the right to act or the "
            "account was closed. Nothing was sent."
        ),
        advice=_("Check that the action is right, then do it again yourself."),
        retry=Retry.YES,
    ),
)
