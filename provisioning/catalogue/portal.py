"""Our own codes (codes.py) for how the portal refuses, explained."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from provisioning import codes
from provisioning.catalogue.explanation import Actor, Portal, Retry, explained
from provisioning.catalogue.words import LOGIN_CLOSED, SIGN_IN_AGAIN

SIGN_IN_CODES = (
    explained(
        codes.LOGIN_CLOSED,
        "",
        _("Portal closed for this user ID for a day"),
        (Actor.USER, _("try again tomorrow")),
        LOGIN_CLOSED,
        why=_(
            "Wrong passwords were tried with this user ID. Before BroadWorks would lock the phone "
            "login, the portal stops asking."
        ),
        advice=_(
            "Nothing is locked in BroadWorks. Retry the activation here with an address of the "
            "user, or wait until a day has passed since the first wrong password."
        ),
    ),
    explained(
        codes.TOO_MANY,
        "",
        _("Too many sign-ins at once"),
        (Actor.USER, _("wait some minutes and try again")),
        Portal(
            _("Too many people are signing in just now"),
            _("Wait some minutes, then try again. Nothing was checked and nothing is lost."),
        ),
        why=_("The portal limits how often and how fast logins are tried."),
        advice=_("Nothing to do. If it goes on for hours, somebody may be guessing passwords."),
        retry=Retry.YES,
    ),
    explained(
        codes.LOGIN_AWAY,
        "",
        _("BroadWorks login check not reachable"),
        (Actor.OPERATIONS, _("check the Xsi-Actions address")),
        Portal(
            _("We cannot check your login right now"),
            _("The phone system does not answer. It is not your fault. Try again in some minutes."),
        ),
        why=_("BroadWorks did not answer the login check, or not in a way that makes sense."),
        advice=_("If it lasts, ask operations to check the Xsi-Actions address."),
        retry=Retry.YES,
    ),
    explained(
        codes.PORTAL_CLOSED,
        "",
        _("Portal closed by the template"),
        (Actor.PARTNER, _("turn on untrusted emails, if the portal is wanted")),
        Portal(
            _("Activation is not open here"),
            _("Your provider sets up the accounts without it. Ask them how you get yours."),
        ),
        why=_("The template trusts email addresses, so that users need not confirm them."),
        advice=_("Turn on “Untrusted emails” on the template if users shall use the portal."),
    ),
    explained(
        codes.NOT_INVITED,
        "",
        _("User not provisioned, and self-activation is off"),
        (Actor.PARTNER, _("assign the user in BroadWorks, or allow self-activation")),
        Portal(
            _("Your phone line is not set up for Webex yet"),
            _("Your login is right. Ask whoever gave you the link to add you, then try again."),
        ),
        why=_("The login was right, but no user of this template has this BroadWorks ID."),
        advice=_(
            "Assign the user in BroadWorks, or turn on “Allow users to self activate” on the "
            "template."
        ),
    ),
    explained(
        codes.ADMIN_FIRST,
        "",
        _("Waiting for the customer’s first administrator"),
        (Actor.CUSTOMER, _("the first user must activate before the others")),
        Portal(
            _("Somebody else in your company must be first"),
            _(
                "Your login is right. The first account of your company has to be ready before "
                "yours can be made. Try again later; you need no new link."
            ),
        ),
        why=_(
            "The template says “Provision admin first”, and nobody of this enterprise is active."
        ),
        advice=_(
            "Ask the first user to activate, or retry this user and tick that this one becomes "
            "the customer’s administrator."
        ),
    ),
    explained(
        codes.SIGN_IN_AGAIN,
        "",
        _("Signed out of the portal"),
        (Actor.USER, _("sign in again")),
        SIGN_IN_AGAIN,
        why=_("The portal’s session ended, or another user signed in with the same browser."),
        advice=_("Ask the user to open the activation link and sign in again."),
        retry=Retry.YES,
    ),
)

ADDRESS_CODES = (
    explained(
        codes.WEBEX_AWAY,
        "",
        _("Webex could not check the address"),
        (Actor.WEBEX, _("does not answer; the user can try again")),
        Portal(
            _("We cannot check the address right now"),
            _("Webex does not answer. Your address is kept: wait a minute, then try again."),
        ),
        why=_("Webex did not answer the pre-check of the address."),
        advice=_("If it lasts, check the connection on the overview."),
        retry=Retry.YES,
    ),
    explained(
        codes.BUSY,
        "",
        _("Another action on the user was running"),
        (Actor.WEBEX, _("is working on the user")),
        Portal(
            _("Your account is being worked on right now"),
            _("Wait a minute, then try again. Nothing is lost."),
        ),
        why=_("An action of yours, or an earlier try, had not ended yet."),
        advice=_("Wait until the running action has ended; its result is on the row."),
        retry=Retry.YES,
    ),
    explained(
        codes.MAIL_REFUSED,
        "",
        _("Mail to this address was refused"),
        (Actor.USER, _("enter another address")),
        Portal(
            _("Our mail to this address came back"),
            _(
                "The address does not exist, or its mail server takes no mail for it. Check it for "
                "slips, or use another one."
            ),
        ),
        why=_("The mail server refused the address for good."),
        advice=_("Check the address for slips. Retry the user with a correct one."),
        retry=Retry.OTHER_ADDRESS,
    ),
    explained(
        codes.MAIL_AWAY,
        "",
        _("Confirmation mail could not be sent"),
        (Actor.OPERATIONS, _("check the mail server")),
        Portal(
            _("We could not send you the mail"),
            _("It is not your fault. Your address is kept: try again in a while."),
        ),
        why=_("The mail server did not take the mail within an hour."),
        advice=_("Ask operations to check the mail server. Then the user can try again."),
        retry=Retry.YES,
    ),
    explained(
        codes.ADDRESS_LIMIT,
        "",
        _("Too many addresses tried"),
        (Actor.USER, _("wait an hour, then try again")),
        Portal(
            _("You have tried many addresses in a short time"),
            _("Wait an hour, then try again, or ask whoever gave you the link."),
        ),
        why=_("The portal limits how many addresses one user can try in an hour."),
        advice=_("Ask the user which address is right, and retry with it here."),
        retry=Retry.YES,
    ),
    explained(
        codes.MAIL_LIMIT,
        "",
        _("Too many mails"),
        (Actor.USER, _("use the mail already sent, or wait")),
        Portal(
            _("Another mail is not possible yet"),
            _("Look for the one we sent, also in junk and spam, or wait a while."),
        ),
        why=_("The portal limits mails to one address and from one link."),
        advice=_("Ask the user to look in junk and spam, or retry with the address here."),
        retry=Retry.YES,
    ),
)

CONFIRM_CODES = (
    explained(
        codes.LINK_USED,
        "",
        _("Confirmation link no longer valid"),
        (Actor.USER, _("ask for a new mail in the portal")),
        Portal(
            _("This link no longer works"),
            _(
                "Links in our mails work once and for a day, and a newer mail replaces an older "
                "one. What you have done so far is kept."
            ),
        ),
        why=_("The link was used, replaced by a newer mail, or older than a day."),
        advice=_("Ask the user to open the activation link and have a new mail sent."),
        retry=Retry.YES,
    ),
    explained(
        codes.CODE_WRONG,
        "",
        _("Wrong confirmation code"),
        (Actor.USER, _("type the code of the newest mail")),
        Portal(
            _("That is not the code"),
            _("Take the one from the newest mail. The button in the mail works as well."),
        ),
        why=_("The code typed was not the one in the newest mail."),
        advice=_("Nothing to do: the link in the same mail works too."),
        retry=Retry.YES,
    ),
    explained(
        codes.CODE_EXPIRED,
        "",
        _("Confirmation code no longer valid"),
        (Actor.USER, _("use the link in the mail")),
        Portal(
            _("This code no longer works"),
            _(
                "Codes work for ten minutes and five tries. Use the button in the mail, or have a "
                "new mail sent."
            ),
        ),
        why=_("The code was older than ten minutes, or was tried five times."),
        advice=_("Nothing to do: the link in the same mail still works."),
        retry=Retry.YES,
    ),
    explained(
        codes.TAKEN_OVER,
        "",
        _("Replaced by a newer run"),
        (Actor.USER, _("sign in again to see how it stands")),
        Portal(
            _("Somebody else goes on for you"),
            _(
                "Your provider took over, or you started again in another window. Try again to see "
                "how it stands."
            ),
        ),
        why=_("An administrator retried the user, or the user began again elsewhere."),
        advice=_("Nothing to do: the newer run counts."),
        retry=Retry.YES,
    ),
)

PORTAL_CODES = (*SIGN_IN_CODES, *ADDRESS_CODES, *CONFIRM_CODES)
