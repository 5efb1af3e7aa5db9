"""What end users read, shared by codes that mean the same to them. Plain words only."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from provisioning.catalogue.explanation import Portal

ADDRESS_ELSEWHERE = Portal(
    _("This address belongs to another company in Webex"),
    _(
        "It was used there before. Your phone works as always; nothing was changed. Try again with "
        "another work address, or a private one if your company allows it."
    ),
)
ADDRESS_TAKEN = Portal(
    _("This address is already used by somebody else"),
    _(
        "An address can belong to one phone user only. Your phone works as always; nothing was "
        "changed. Try again with another address."
    ),
)
ADDRESS_CONFLICT = Portal(
    _("This address already has another Webex service"),
    _(
        "The two services cannot share an address. Try again with another address, or ask your "
        "company’s phone administrator to remove the other service."
    ),
)
HELP_NEEDED = Portal(
    _("Your account needs a hand from your provider"),
    _(
        "Something in the setup of your company does not fit, and only your provider can mend it. "
        "They see this error too. You did nothing wrong, and your phone works as always. Ask them "
        "when you may try again."
    ),
)
REFUSED = Portal(
    _("Webex could not set up your account"),
    _(
        "You did nothing wrong, and your phone works as always. Wait some minutes, then try again. "
        "If it fails again, ask your provider: they see this error too."
    ),
)
ID_TAKEN = Portal(
    _("Your phone login is registered twice"),
    _(
        "Your provider must remove the double entry before your account can be made. They see "
        "this error too. Your phone works as always. Ask them when you may try again."
    ),
)
OTHER_LINK = Portal(
    _("This link is not meant for your phone line"),
    _("Ask whoever gave you the link for the right one."),
)
WRONG_LOGIN = Portal(
    _("The user ID and password do not fit together"),
    _("Check both and try again. Capital letters count in the password."),
)
#: The same, when one more would close the portal.
LAST_TRY = Portal(
    _("The user ID and password do not fit together"),
    _(
        "One try is left today: after another wrong one, signing in is closed here for a day. "
        "The phone works as always. Check both, capital letters count in the password; or get a "
        "new password first."
    ),
)
LOGIN_CLOSED = Portal(
    _("Signing in is not possible right now"),
    _(
        "There were several tries that did not succeed, so we stop here to keep the phone line "
        "safe. The phone works as always. Try again tomorrow, or ask whoever gave you the link."
    ),
)
LATER = Portal(
    _("That did not work right now"),
    _("It is not your fault, and nothing is lost. Wait a minute, then try again."),
)
SIGN_IN_AGAIN = Portal(
    _("Please sign in again"),
    _("You were signed out to keep your account safe. What you have done so far is kept."),
)
