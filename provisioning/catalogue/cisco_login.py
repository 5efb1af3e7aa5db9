"""Cisco's codes about logins and addresses, explained.

Cisco's messages are kept word for word as `cisco_text`. Sources: "Webex App Error Messages For
Calling" (help.webex.com r75fdv) for 100006 and 2000xx; the Webex for BroadWorks developer's guide
for 1001, 1002 and 10022. Cisco publishes no advice with most of them: what to do is ours. Numbers
that we have not read anywhere are not here.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from provisioning.catalogue.explanation import Actor, Portal, Retry, explained
from provisioning.catalogue.words import (
    ADDRESS_CONFLICT,
    ADDRESS_ELSEWHERE,
    ADDRESS_TAKEN,
    HELP_NEEDED,
    SIGN_IN_AGAIN,
    WRONG_LOGIN,
)

_LOGIN = "Failed validating credentials as "
_EMAIL = "Failed validating email as "
_SELF = "Failed adding user through self-activation as "


_OTHER_ADDRESS = (Actor.ADMINISTRATOR, _("choose another address"))

LOGIN_CODES = (
    explained(
        "100006",
        "",
        _("Wrong user ID or password"),
        (Actor.USER, _("check the BroadWorks login, or have the password reset")),
        WRONG_LOGIN,
        why=_("BroadWorks refused the user ID and password. It does not say which was wrong."),
        advice=_(
            "If the user no longer knows the password, set a new one in BroadWorks. The activation "
            "portal asks for the login of the phone line, not for a mail password."
        ),
        retry=Retry.YES,
    ),
    explained(
        "200010",
        _LOGIN + "user unauthorized",
        _("BroadWorks refused the login"),
        (Actor.USER, _("check the BroadWorks login, or have the password reset")),
        WRONG_LOGIN,
        why=_("BroadWorks did not accept the user ID and password of the user."),
        advice=_("Let the user try again. If that fails, set a new password in BroadWorks."),
        retry=Retry.YES,
    ),
    explained(
        "200016",
        _LOGIN + "session not found",
        _("The sign-in took too long"),
        (Actor.USER, _("reload the page and sign in again")),
        SIGN_IN_AGAIN,
        why=_("The page stood open too long, or its session was lost between two steps."),
        advice=_("Ask the user to open the activation link again and sign in anew."),
        retry=Retry.YES,
    ),
    explained(
        "200018",
        _LOGIN + "user is locked out",
        _("User is locked out in BroadWorks"),
        (Actor.CUSTOMER, _("unlock the user in BroadWorks")),
        Portal(
            _("Your phone login is locked"),
            _(
                "Too many wrong passwords were tried. Wait about ten minutes, or ask your "
                "company’s phone administrator to unlock it. Then sign in again."
            ),
        ),
        why=_("Too many wrong passwords in a row: BroadWorks closed the login."),
        advice=_(
            "Unlock the user in BroadWorks, or wait until BroadWorks does so by itself (often ten "
            "minutes). Then the user can sign in again."
        ),
    ),
    explained(
        "200019",
        _LOGIN + "add user failed for self-activation",
        _("Self-activation failed"),
        (Actor.PARTNER, _("allow self-activation on the template, or retry the user")),
        HELP_NEEDED,
        why=_("The user came without having been provisioned, and could not be added."),
        advice=_(
            "Check the template’s setting “Allow users to self activate”. If it is meant to be "
            "off, assign the user in BroadWorks first."
        ),
    ),
    explained(
        "200022",
        "Failed to send email as user in unauthenticated",
        _("Mail not sent: the user was not signed in"),
        (Actor.USER, _("sign in again")),
        SIGN_IN_AGAIN,
        why=_("The user’s session had ended when the confirmation mail was asked for."),
        advice=_("Ask the user to open the activation link again and sign in anew."),
        retry=Retry.YES,
    ),
)

ADDRESS_CODES = (
    explained(
        "200039",
        _EMAIL + "emailId already in use in a different Org",
        _("Address belongs to another organisation"),
        _OTHER_ADDRESS,
        ADDRESS_ELSEWHERE,
        why=_("The address has a Webex account in another company’s organisation."),
        advice=_(
            "Retry with another address of the user. To keep this one, the other organisation "
            "must release it first."
        ),
        retry=Retry.OTHER_ADDRESS,
    ),
    explained(
        "200041",
        _EMAIL + "user is already entitled for another conflicting service, conflicting "
        "entitlements",
        _("Conflicting service on this address"),
        (Actor.CUSTOMER, _("remove the other service, or choose another address")),
        ADDRESS_CONFLICT,
        why=_("The Webex account of this address has a service that excludes BroadWorks calling."),
        advice=_(
            "Have the customer remove the other Webex service from the account, then retry; or "
            "retry with another address."
        ),
        retry=Retry.OTHER_ADDRESS,
    ),
    explained(
        "200042",
        _EMAIL + "email is already associated with another UserId",
        _("Address already linked to another user ID"),
        _OTHER_ADDRESS,
        ADDRESS_TAKEN,
        why=_("Another BroadWorks user has this address. Webex allows each address once."),
        advice=_(
            "Search for the address to find the other user. Delete that user if it is not needed, "
            "or retry this one with another address."
        ),
        retry=Retry.OTHER_ADDRESS,
    ),
    explained(
        "200045",
        _SELF + "user is already part of a different org",
        _("User is a member of another organisation"),
        _OTHER_ADDRESS,
        ADDRESS_ELSEWHERE,
        why=_("The Webex account of this address is a member of another organisation."),
        advice=_(
            "Retry with another address of the user. To keep this one, the other organisation "
            "must release the account first."
        ),
        retry=Retry.OTHER_ADDRESS,
    ),
    explained(
        "200048",
        _SELF + "email address was already provisioned with a different userId",
        _("Address already provisioned for another user ID"),
        _OTHER_ADDRESS,
        ADDRESS_TAKEN,
        why=_("An account with this address exists already, for another BroadWorks user."),
        advice=_(
            "Search for the address to find the other user. Delete that user if it is not needed, "
            "or retry this one with another address."
        ),
        retry=Retry.OTHER_ADDRESS,
    ),
)
