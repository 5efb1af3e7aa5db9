"""Is a template ready for users? A pure function of what is known, with words for each check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Partner
from templates_app.models import IdCheck, OnboardingTemplate

GOOD, WARN, BAD = "good", "wait", "bad"
_ORDER = {BAD: 0, WARN: 1, GOOD: 2}


@dataclass(frozen=True)
class Check:
    """One thing that must be right.

    Attributes:
        name: stable: share_link, untrusted_emails, provisioning_id, support, admin_first.
        tone: "good", "wait" (look at it) or "bad" (users are stopped).
        title: what should be so; or, where it is not, `short` says what is wrong.
        text: what is so, and what follows from it.
        mend: the name of the repair that a button offers, or "".
    """

    name: str
    tone: str
    title: str
    short: str = ""
    text: str = ""
    mend: str = ""
    should_be: str = ""
    is_now: str = ""


@dataclass(frozen=True)
class Facts:
    """What the checks look at.

    Attributes:
        links: activation links of the partner's *other* templates, with the templates' names.
        waiting: users of this template who wait for an address or a confirmation.
        first_in_line: names of those who must be active first, one an enterprise where nobody is.
        looked_at: only so many users were asked for it, those who have waited longest; None: all.
    """

    template: OnboardingTemplate
    partner: Partner
    links: Mapping[str, str] = field(default_factory=dict)
    waiting: int = 0
    first_in_line: Sequence[str] = ()
    looked_at: int | None = None


def checks(facts: Facts) -> list[Check]:
    """All checks that apply to this template, what is wrong first."""
    found = [_untrusted_emails(facts), _provisioning_id(facts), _support(facts)]
    if facts.template.untrusted_emails:
        found.append(_share_link(facts))
    if facts.template.provision_admin_first:
        found.append(_admin_first(facts))
    return sorted(found, key=lambda check: _ORDER[check.tone])


def worst(found: Sequence[Check]) -> Check | None:
    """The check to name where there is room for one; None when all is in order."""
    return next((check for check in found if check.tone != GOOD), None)


def _share_link(facts: Facts) -> Check:
    title = _("Share link points to the activation link")
    problem = share_link_problem(
        facts.template.share_link, facts.template.activation_link, facts.links
    )
    if not problem:
        return Check("share_link", GOOD, title)
    return Check(
        "share_link",
        BAD,
        title,
        short=_("Share link is wrong") if facts.template.share_link else _("No share link"),
        text=problem,
        mend="share_link",
        should_be=facts.template.activation_link,
        is_now=facts.template.share_link or _("empty"),
    )


def share_link_problem(share_link: str, activation_link: str, others: Mapping[str, str]) -> str:
    """Say what is wrong with a share link, or "" when it leads to the activation link."""
    link = share_link.strip()
    if _plain(link) == _plain(activation_link):
        return ""
    if not link:
        return _("There is no share link: nobody can be given the way to the portal.")
    for other, name in others.items():
        if _plain(link) == _plain(other):
            return _(
                "It leads to the portal of %(name)s. Do not hand it out before it is mended."
            ) % {"name": name}
    host = urlsplit(link).netloc
    if host != urlsplit(activation_link).netloc:
        return _("It leads to another host, %(host)s, and not to this portal.") % {
            "host": host or link
        }
    return _("It leads to no template of yours: users see a page that says so.")


def _plain(link: str) -> tuple[str, str]:
    """What decides where a link leads: host without case, path without its last slash."""
    parts = urlsplit(link)
    return parts.netloc.lower(), parts.path.rstrip("/")


def _untrusted_emails(facts: Facts) -> Check:
    template = facts.template
    if template.untrusted_emails:
        return Check("untrusted_emails", GOOD, _("Untrusted emails is on"))
    if not facts.waiting:
        text = _("BroadWorks vouches for the addresses; the activation portal is closed.")
        return Check("untrusted_emails", GOOD, _("Emails are trusted"), text=text)
    text = ngettext(
        "%(n)s user waits for an address, and the activation portal is closed.",
        "%(n)s users wait for an address, and the activation portal is closed for them.",
        facts.waiting,
    ) % {"n": facts.waiting}
    title = _("Untrusted emails is off")
    return Check("untrusted_emails", BAD, title, short=_("Portal closed, users wait"), text=text)


def _provisioning_id(facts: Facts) -> Check:
    title = _("Webex knows the provisioning ID")
    state = facts.template.id_check
    if state == IdCheck.KNOWN:
        return Check("provisioning_id", GOOD, title)
    if state == IdCheck.UNKNOWN:
        text = _("Webex says that it does not know it: no user of this template can be activated.")
        return Check("provisioning_id", BAD, title, short=_("Unknown to Webex"), text=text)
    text = _("Webex could not be asked yet. Check now.")
    return Check("provisioning_id", WARN, title, short=_("Not checked at Webex"), text=text)


def _support(facts: Facts) -> Check:
    partner = facts.partner
    title = _("Users are told whom to ask")
    if partner.support_text or partner.support_phone or partner.support_url:
        said = partner.support_text or partner.support_phone or partner.support_url
        return Check("support", GOOD, title, text=said)
    text = _("No support contact is set: a stuck user reads no name. Operations can set it.")
    return Check("support", WARN, title, short=_("No support contact"), text=text)


def _admin_first(facts: Facts) -> Check:
    names = facts.first_in_line
    if not names:
        title = _("The first administrator of every customer is active")
        return Check("admin_first", GOOD, title, text=_looked_at(facts))
    shown = ", ".join(names[:3])
    if len(names) == 1 and facts.looked_at is None:
        text = _("Everybody else of that customer waits for %(name)s.") % {"name": shown}
    else:
        words = _("Everybody else waits, in %(n)s customers; first are: %(names)s.")
        if facts.looked_at is not None:
            words = _("Everybody else waits, in %(n)s or more customers; first are: %(names)s.")
        more = " …" if len(names) > 3 or facts.looked_at is not None else ""
        text = words % {"n": len(names), "names": shown + more}
    title = _("An administrator must be active first")
    return Check("admin_first", WARN, title, short=_("First administrator not active"), text=text)


def _looked_at(facts: Facts) -> str:
    if facts.looked_at is None:
        return ""
    words = _("True for the %(n)s users who have waited longest; the others were not looked at.")
    return words % {"n": facts.looked_at}
