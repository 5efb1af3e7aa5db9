"""Every address of the product, classified: who may ask it how. The matrix test reads this.

A new address needs a line here, or the test fails. Rights are those of accounts/rights.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts.rights import Right
from provisioning.states import JobKind, JobState, Status
from templates_app.models import OnboardingTemplate
from tests.security.world import MAIL_TOKEN, Side
from userstatus.actions import signed_selection
from userstatus.actions.signed_selection import Purpose

SEE, ACT, MANAGE = Right.SEE, Right.ACT, Right.MANAGE
RETRY, DELETE, PACKAGE = Right.RETRY, Right.DELETE, Right.CHANGE_PACKAGE
Make = Callable[[Side, Any], Any]


def nothing(side: Side, person: Any) -> list[Any]:
    return []


def no_data(side: Side, person: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Address:
    """One address.

    `rights`: method to right, for pages of administrators. `public`: why it is open to anyone,
    with the methods it knows in `methods`. `args`: the URL's arguments, objects of a partner.
    `data`: what a right POST sends. `answers`: the statuses of a success.
    """

    rights: dict[str, Right] = field(default_factory=dict)
    public: str = ""
    methods: tuple[str, ...] = ()
    args: Make = nothing
    data: Make = no_data
    answers: frozenset[int] = frozenset({200, 204, 302})
    #: Does a right POST change a row?
    changes: bool = True
    #: Tables that looking may write to: what was taken out is on the record.
    recorded: frozenset[str] = frozenset()

    @property
    def owned(self) -> bool:
        """Does the URL name an object of a partner?"""
        return self.args is not nothing


def page(right: Right = SEE, args: Make = nothing, **more: Any) -> Address:
    """Look only."""
    return Address({"GET": right}, args=args, **more)


def act(right: Right, args: Make, data: Make = no_data, **more: Any) -> Address:
    """POST only."""
    return Address({"POST": right}, args=args, data=data, **more)


def form(right: Right, args: Make = nothing, data: Make = no_data, **more: Any) -> Address:
    """GET shows, POST acts."""
    return Address({"GET": right, "POST": right}, args=args, data=data, **more)


def public(why: str, *methods: str, **more: Any) -> Address:
    """Open to anyone, and why."""
    return Address(public=why, methods=methods or ("GET",), **more)


# ---- Arguments ----


def template(side: Side, person: Any) -> list[Any]:
    return [side.template.uuid]


def user(side: Side, person: Any) -> list[Any]:
    return [side.user.uuid]


def provisioned(side: Side, person: Any) -> list[Any]:
    return [side.users[Status.PROVISIONED].uuid]


def queued_job(side: Side, person: Any) -> list[Any]:
    """One's own: what belongs to others is test_job_owners'."""
    return [side.job_of(person, JobState.QUEUED).uuid]


def deleting_job(side: Side, person: Any) -> list[Any]:
    """In its time of grace, asked for by somebody else: anybody who may do the same may undo it."""
    return [side.deleting.uuid]


def paused_batch(side: Side, person: Any) -> list[Any]:
    """One's own: what belongs to others is test_batch_pages'."""
    return [side.batch_of(person).uuid]


def failed_job(side: Side, person: Any) -> list[Any]:
    return [side.job_of(person, JobState.FAILED).uuid]


def colleague(side: Side, person: Any) -> list[Any]:
    return [side.read_only.uuid]


def closed_colleague(side: Side, person: Any) -> list[Any]:
    return [side.closed.uuid]


def export(side: Side, person: Any) -> list[Any]:
    """One's own, or the full administrator's for who has none."""
    own = side.exports.get(getattr(person, "pk", 0)) or side.exports[side.full.pk]
    return [own.uuid]


def key(side: Side, person: Any) -> list[Any]:
    return [side.template.activation_key]


def mailed(side: Side, person: Any) -> list[Any]:
    return [side.template.activation_key, f"{MAIL_TOKEN}-{side.word}"]


def place(side: Side, person: Any) -> list[Any]:
    return [side.template.activation_key, "sent"]


# ---- Data ----


def template_form(side: Side, person: Any) -> dict[str, Any]:
    return {
        "name": f"Another of {side.word}",
        "provisioning_id": f"prov-another-{side.word}",
        "country": "DK",
        "language": "en",
        "default_package": "standard",
        "verification": "untrusted",
    }


def changed_template(side: Side, person: Any) -> dict[str, Any]:
    row = OnboardingTemplate.objects.get(pk=side.template.pk)
    return template_form(side, person) | {"updated_at": row.updated_at.isoformat()}


def person_form(side: Side, person: Any) -> dict[str, Any]:
    return {"name": "New Name", "email": "new@hub.example", "role": "administrator"}


def address_form(side: Side, person: Any) -> dict[str, Any]:
    return {"email": "good@address.example"}


def package_form(side: Side, person: Any) -> dict[str, Any]:
    return {"package": "premium"}


def frozen_users(kind: JobKind, package: str = "") -> Make:
    """What the bulk dialog of this person about one user would send."""

    def data(side: Side, person: Any) -> dict[str, Any]:
        purpose = Purpose(person, side.template, kind)
        frozen = signed_selection.sign(purpose, (side.user.pk,), able=1, query="")
        return {"frozen": frozen, "package": package}

    return data


PORTAL = "end users have no account here; the session holds their run"

ADDRESSES: dict[str, Address] = {
    # ---- platform ----
    "healthz": public("liveness for the platform"),
    "readyz": public("readiness for the platform"),
    "metrics": public("guarded by its own token", answers=frozenset({404})),
    # ---- signing in ----
    "account_login": public("the way in", "GET", "POST"),
    "account_logout": public("signing out twice is harmless", "GET", "POST"),
    "account_inactive": public("says that the account is closed"),
    "account_signup": public("says that sign-up is closed", "GET", "POST"),
    "account_change_password": public("allauth asks for sign-in itself", "GET", "POST"),
    "account_set_password": public("leads to the mailed link", "GET", "POST"),
    "account_reset_password": public("whoever forgot it is not signed in", "GET", "POST"),
    "account_reset_password_done": public("whoever forgot it is not signed in"),
    "account_reset_password_from_key": public(
        "the key is the proof", "GET", "POST", args=lambda side, person: ["1", "no-such-key"]
    ),
    "account_reset_password_from_key_done": public("whoever forgot it is not signed in"),
    "set_language": public("language of pages before sign-in", "POST"),
    # ---- console ----
    "userstatus:overview": page(),
    "userstatus:settings": page(),
    "sent_again": page(),
    "userstatus:people": page(),
    "userstatus:person_new": form(MANAGE, data=person_form),
    "userstatus:person": form(MANAGE, colleague, person_form),
    "userstatus:person_close": form(MANAGE, colleague),
    "userstatus:person_open": act(MANAGE, closed_colleague),
    "userstatus:person_link": act(MANAGE, colleague),
    "userstatus:account": form(SEE, data=lambda side, person: {"name": "N", "language": "da"}),
    "userstatus:templates": page(),
    "userstatus:template_new": form(MANAGE, data=template_form),
    "userstatus:template": page(args=template),
    "userstatus:template_edit": form(MANAGE, template, changed_template),
    "userstatus:template_mend": act(MANAGE, template),
    "userstatus:template_check": act(MANAGE, template, changes=False),
    "userstatus:jobs": page(),
    "userstatus:jobs_live": page(),
    "userstatus:job": page(args=queued_job),
    "userstatus:job_cancel": act(ACT, queued_job),
    "userstatus:job_retry": act(ACT, failed_job),
    "userstatus:job_undo": act(ACT, deleting_job),
    "userstatus:job_resume": act(ACT, paused_batch),
    "userstatus:job_results": page(args=paused_batch),
    # ---- users ----
    "userstatus:users": page(args=template),
    "userstatus:all_users": page(),
    "userstatus:users_live": page(args=template),
    "userstatus:all_users_live": page(),
    "userstatus:enterprises": page(args=template),
    "userstatus:all_enterprises": page(),
    "userstatus:user": page(args=user),
    "userstatus:user_check": act(ACT, user, changes=False),
    "userstatus:user_menu": page(args=user),
    "userstatus:retry": form(RETRY, user, address_form),
    "userstatus:delete": form(DELETE, provisioned),
    "userstatus:package": form(PACKAGE, provisioned, package_form),
    "userstatus:bulk_retry": form(RETRY, template, frozen_users(JobKind.RETRY)),
    "userstatus:bulk_delete": form(DELETE, template, frozen_users(JobKind.DELETE)),
    "userstatus:bulk_package": form(PACKAGE, template, frozen_users(JobKind.PACKAGE, "premium")),
    "userstatus:selected": act(SEE, template, changes=False),
    "userstatus:all_selected": act(SEE, nothing, changes=False),
    # ---- exports ----
    "userstatus:export_start": form(SEE, template),
    "userstatus:export_all_start": form(SEE),
    "userstatus:export": page(args=export),
    "userstatus:export_cancel": act(SEE, export, changes=False),
    "userstatus:export_download": page(args=export, recorded=frozenset({"accounts_auditevent"})),
    # ---- only where the product runs embedded ----
    "dev:mailbox": public("shows the demo's mails, on the demo's machine"),
    # ---- activation portal ----
    "activation_portal:sign_in": public(PORTAL, "GET", "POST", args=key),
    "activation_portal:leave": public(PORTAL, "GET", "POST", args=key),
    "activation_portal:stopped": public(PORTAL, "GET", "POST", args=key),
    "activation_portal:address": public(PORTAL, "GET", "POST", args=key),
    "activation_portal:sent": public(PORTAL, args=key),
    "activation_portal:send_again": public(PORTAL, "GET", "POST", args=key),
    "activation_portal:code": public(PORTAL, "GET", "POST", args=key),
    "activation_portal:confirm": public(PORTAL, "GET", "POST", args=mailed),
    "activation_portal:progress": public(PORTAL, args=key),
    "activation_portal:consent": public(PORTAL, args=key),
    "activation_portal:done": public(PORTAL, args=key),
    "activation_portal:live": public(PORTAL, args=place),
}
