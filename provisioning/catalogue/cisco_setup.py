"""Cisco's codes about user IDs, templates and customers, explained (sources: cisco_login.py)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from provisioning.catalogue.explanation import Actor, explained
from provisioning.catalogue.words import HELP_NEEDED, ID_TAKEN, OTHER_LINK

_EMAIL = "Failed validating email as "
_SELF = "Failed adding user through self-activation as "
_DUPLICATE = (Actor.CUSTOMER, _("remove the duplicate user ID in BroadWorks"))
_DUPLICATE_WHY = _(
    "Another subscriber on the same BroadWorks cluster has this user ID, perhaps in another "
    "enterprise or under another template. Webex allows each user ID once on a cluster."
)
_DUPLICATE_ADVICE = _(
    "Search for the BroadWorks ID in all templates. Delete the entry that is not needed, or have "
    "the duplicate removed in BroadWorks, then retry the activation."
)
_RIGHT_TEMPLATE = (Actor.ADMINISTRATOR, _("give the user the link of the right template"))

USER_ID_CODES = (
    explained(
        "10022",
        "The BroadWorks UserID is already associated with an existing user",
        _("BroadWorks ID already linked to a user"),
        (Actor.ADMINISTRATOR, _("delete the existing user, or keep it")),
        ID_TAKEN,
        why=_("Webex has a subscriber with this BroadWorks ID that is active or being set up."),
        advice=_(
            "Look for the BroadWorks ID among the provisioned users. If the existing account is "
            "the right one, nothing is to do; otherwise delete it and retry."
        ),
    ),
    explained(
        "200044",
        _EMAIL + "userId is already in use on this cluster",
        _("User ID already in use on this cluster"),
        _DUPLICATE,
        ID_TAKEN,
        why=_DUPLICATE_WHY,
        advice=_DUPLICATE_ADVICE,
    ),
    explained(
        "200046",
        _SELF + "multiple pending users exists with same userId under same cluster",
        _("Several waiting users with the same user ID"),
        (Actor.ADMINISTRATOR, _("delete the surplus waiting user")),
        ID_TAKEN,
        why=_("Two or more users on one cluster wait for their activation with one user ID."),
        advice=_(
            "Search for the BroadWorks ID in all templates and delete the waiting entries that "
            "are not needed. Then the user can try again."
        ),
    ),
    explained(
        "200047",
        _SELF + "userId is already in use on this cluster",
        _("User ID already in use on this cluster"),
        _DUPLICATE,
        ID_TAKEN,
        why=_DUPLICATE_WHY,
        advice=_DUPLICATE_ADVICE,
    ),
    explained(
        "200049",
        _SELF + "userId is already in use on this cluster",
        _("User ID already in use on this cluster"),
        _DUPLICATE,
        ID_TAKEN,
        why=_DUPLICATE_WHY,
        advice=_DUPLICATE_ADVICE,
    ),
)

SETUP_CODES = (
    explained(
        "200026",
        "Failed validating email due to pre-check failure or pending user incorrect state",
        _("Pre-check failed, or the waiting user is in a wrong state"),
        (Actor.ADMINISTRATOR, _("delete the user, who then starts over")),
        HELP_NEEDED,
        why=_("Webex holds a half-finished entry of this user that no longer fits."),
        advice=_(
            "Delete the user here; the user can then start over in the portal. If the error comes "
            "back, pass it to Cisco support with the tracking ID."
        ),
    ),
    explained(
        "200040",
        _EMAIL + "configSet is not matching with configSet in customerConfig",
        _("Template does not match the customer’s"),
        _RIGHT_TEMPLATE,
        HELP_NEEDED,
        why=_("The customer was set up with another onboarding template than this one."),
        advice=_(
            "A customer belongs to one template. Find the one that its other users are under, and "
            "use that template’s link for this user too."
        ),
        template_fault=True,
    ),
    explained(
        "200043",
        _EMAIL + "user customer config mapping is incorrect",
        _("User is mapped to the wrong customer"),
        (Actor.CISCO_SUPPORT, _("must mend the customer’s mapping")),
        HELP_NEEDED,
        why=_("Webex has the user under a customer whose configuration does not fit."),
        advice=_(
            "Check the enterprise ID of the user in BroadWorks. If it is right, copy the error "
            "text and pass it to Cisco support."
        ),
    ),
    explained(
        "200050",
        _SELF + "provisioningID doesn't match expected provisioningID of subscriber's enterprise",
        _("Provisioning ID does not match the enterprise"),
        _RIGHT_TEMPLATE,
        OTHER_LINK,
        why=_("The user’s enterprise belongs to another template than the link that was used."),
        advice=_(
            "Find the template of the user’s enterprise and give the user that template’s share "
            "link. If many users are affected, the wrong link was sent out."
        ),
        template_fault=True,
    ),
    explained(
        "200051",
        _SELF + "spEnterpriseId specified in this request conflicts with a Service Provider or "
        "Enterprise already provisioned from this Cluster",
        _("Enterprise ID conflicts with another one"),
        (Actor.PARTNER, _("check the template’s enterprise mode")),
        HELP_NEEDED,
        why=_(
            "On this cluster the same service provider exists already, once as an enterprise and "
            "once with groups, or for another partner."
        ),
        advice=_(
            "Compare the enterprise ID with that of users who work. Often the template’s setting "
            "“BroadWorks enterprise mode” does not fit the customer."
        ),
    ),
    explained(
        "200054",
        _EMAIL + "the region of the customer org and partner org mismatch",
        _("Region of customer and partner differ"),
        (Actor.CISCO_SUPPORT, _("must align the regions")),
        HELP_NEEDED,
        why=_("The customer’s organisation is in another Webex region than yours."),
        advice=_(
            "Nobody here can change a region. Copy the error text and open a case with Cisco "
            "support; retry once they have aligned the regions."
        ),
    ),
    explained(
        "1001",
        "Null Parameter",
        _("A required value is missing"),
        (Actor.CUSTOMER, _("complete the user in BroadWorks")),
        HELP_NEEDED,
        why=_("Webex needs a value that BroadWorks does not hold, often a name or a number."),
        advice=_(
            "The error text names the field. Fill it in at the user’s profile in BroadWorks, then "
            "retry."
        ),
    ),
    explained(
        "1002",
        "Invalid Parameter Size",
        _("A value is too long or too short"),
        (Actor.CUSTOMER, _("shorten the value in BroadWorks")),
        HELP_NEEDED,
        why=_("A value of the user is longer or shorter than Webex takes."),
        advice=_(
            "The error text names the field. Correct it at the user’s profile in BroadWorks, then "
            "retry."
        ),
    ),
)
