"""The world document of the demo: what the simulator is told to know."""

from __future__ import annotations

import random
import uuid
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from partnerhub.demo import names
from partnerhub.demo.casting import ADDRESS_ERRORS, Cast, cisco_codes, enterprise_of, users
from provisioning import codes
from provisioning.states import Status

NORDICTEL, IBERFONE = "Nordictel", "Iberfone"
DAY = 86400
AWAY = "The provisioning backend did not answer."


def provisioning_id(name: str) -> str:
    """An ID of the real form: base64 of two UUIDs (domain.md 1.1), the same at every run."""
    one, two = uuid.uuid5(uuid.NAMESPACE_DNS, name), uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.two")
    return b64encode(f"{one}:{two}".encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Login:
    """A BroadWorks login to try the portal with, and what it meets there."""

    user_id: str
    password: str
    template: str
    expect: str


def casts() -> dict[str, Cast]:
    """The users of each template, by the template's name; the first of a partner is in order."""
    danish = (names.DANISH_FIRST, names.DANISH_LAST)
    spanish = (names.SPANISH_FIRST, names.SPANISH_LAST)
    return {
        "SMB Denmark": Cast(
            "nordictel.example", "45331", 5, NORDICTEL, provisioning_id("smb"), False,
            names.DANISH_COMPANIES, *danish,
            {
                Status.PROVISIONED: 124, Status.WAITING_ADDRESS: 26,
                Status.WAITING_CONFIRMATION: 9, Status.WAITING_CONSENT: 5,
                Status.PROVISIONING: 1, Status.UPDATING: 1,
            },
            cured_by_address=9, codes=cisco_codes(), texts=[AWAY],
        ),
        "Hotels 2026": Cast(
            "nordictel.example", "45862", 5, NORDICTEL, provisioning_id("hotels"), True,
            names.HOTELS, *danish,
            {Status.PROVISIONED: 22, Status.WAITING_ADDRESS: 24, Status.WAITING_CONFIRMATION: 2},
            cured_by_address=2, codes=["200050"] * 8, texts=[],
        ),
        "Pymes España": Cast(
            "iberfone.example", "34911", 5, IBERFONE, provisioning_id("pymes"), False,
            names.SPANISH_COMPANIES, *spanish,
            {
                Status.PROVISIONED: 58, Status.WAITING_ADDRESS: 14,
                Status.WAITING_CONFIRMATION: 6, Status.WAITING_CONSENT: 4,
            },
            cured_by_address=7, codes=[*ADDRESS_ERRORS, "200054", "200046"], texts=[AWAY],
        ),
        "Grandes Empresas": Cast(
            "iberfone.example", "34952", 5, IBERFONE, provisioning_id("grandes"), True,
            names.LARGE_SPANISH, *spanish,
            {Status.PROVISIONED: 18, Status.WAITING_ADDRESS: 16, Status.WAITING_CONFIRMATION: 2},
            cured_by_address=1, codes=["200040", "200043"], texts=[],
        ),
    }  # fmt: skip


def waiting_for_their_administrator() -> list[dict[str, Any]]:
    """A customer of Grandes Empresas where nobody is active yet: admin first bites here."""
    cast = casts()["Grandes Empresas"]
    people = [("Núria", "Sáez"), ("Óscar", "Quiñones"), ("Begoña", "Llorente")]
    return [
        _waiting(cast, "hospital-del-mar", f"3495277700{n}", *name, age=DAY * (9 - n))
        for n, name in enumerate(people, start=1)
    ]


def portal_guests() -> list[dict[str, Any]]:
    """Users who wait for their address, with easy numbers: they try the portal."""
    all_casts = casts()
    smb, hotels, pymes = (all_casts[n] for n in ("SMB Denmark", "Hotels 2026", "Pymes España"))
    group = "Nordictel+nordlys-el"
    return [
        _waiting(smb, group, "4533121201", "Freja", "Nørgaard", age=2 * DAY),
        _waiting(smb, group, "4533121202", "Søren", "Østergaard", age=3 * DAY),
        _waiting(smb, group, "4533121203", "Åse", "Ørsted", age=5 * DAY),
        _waiting(smb, group, "4533121204", "Jonas", "Bech", age=6 * DAY),
        _waiting(hotels, "hotel-havblik", "4586204401", "Signe", "Dahlgaard", age=DAY),
        _waiting(pymes, "Iberfone+obradoiro", "34911555001", "Lucía", "Fernández", age=DAY),
        _waiting(pymes, "Iberfone+obradoiro", "34911555002", "Íñigo", "Echeverría", age=DAY),
    ]


def _waiting(
    cast: Cast, enterprise: str, number: str, first: str, last: str, *, age: int
) -> dict[str, Any]:
    return {
        "user_id": f"{number}@{cast.domain}",
        "provisioning_id": cast.provisioning_id,
        "enterprise": enterprise,
        "first_name": first,
        "last_name": last,
        "email": "",
        "package": "standard",
        "status": str(Status.WAITING_ADDRESS),
        "errors": [],
        "primary_phone": f"+{number}",
        "extension": number[-4:],
        "self_activated": False,
        "age_seconds": age,
        "changed_seconds_ago": age,
    }


def strangers() -> list[dict[str, Any]]:
    """Phone users whom Webex does not know: two templates meet them differently."""
    return [
        _phone_user(_waiting(
            casts()["SMB Denmark"], "Nordictel+nordlys-el", "4533121290", "Bodil", "Ravn", age=0
        )) | {"im_p": False},
        _phone_user(_waiting(
            casts()["Grandes Empresas"], "aguas-del-norte", "34952777090", "Rubén", "Ortega", age=0
        )) | {"im_p": False},
        _phone_user(_waiting(
            casts()["SMB Denmark"], "Nordictel+nordlys-el", "4533121299", "Kjeld", "Holm", age=0
        )) | {"im_p": True, "locked": True, "locked_answer": "named"},
    ]  # fmt: skip


def logins() -> list[Login]:
    """Logins to try the portal with; `expect` is ok or the code of the refusal."""
    rows = [
        ("4533121201@nordictel.example", "SMB Denmark", "ok"),
        ("4533121202@nordictel.example", "SMB Denmark", "ok"),
        ("4533121203@nordictel.example", "SMB Denmark", "ok"),
        ("4533121204@nordictel.example", "SMB Denmark", "ok"),
        ("4586204401@nordictel.example", "Hotels 2026", "ok"),
        ("4586204401@nordictel.example", "SMB Denmark", codes.OTHER_TEMPLATE),
        ("4533121290@nordictel.example", "SMB Denmark", codes.NOT_INVITED),
        ("4533121299@nordictel.example", "SMB Denmark", codes.LOCKED_OUT),
        ("34911555001@iberfone.example", "Pymes España", "ok"),
        ("34911555002@iberfone.example", "Pymes España", "ok"),
        ("34952777001@iberfone.example", "Grandes Empresas", "ok"),
        ("34952777002@iberfone.example", "Grandes Empresas", codes.ADMIN_FIRST),
        ("34952777090@iberfone.example", "Grandes Empresas", "ok"),
    ]
    return [Login(user, line_password(user), template, expect) for user, template, expect in rows]


def build(tokens: dict[str, str], spare_ids: dict[str, list[str]]) -> dict[str, Any]:
    """The whole world: accounts, provisioning IDs, customers, logins, addresses, subscribers."""
    all_casts = casts()
    subscribers = [
        user for seed, cast in enumerate(all_casts.values()) for user in users(cast, seed + 1)
    ]
    subscribers += [*portal_guests(), *waiting_for_their_administrator()]
    return {
        "accounts": [
            {"token": token, "name": partner, "region": "eu"} for partner, token in tokens.items()
        ],
        "provisioning_ids": [
            {"id": cast.provisioning_id, "account": cast.service_provider, "region": "eu"}
            for cast in all_casts.values()
        ]
        + [{"id": i, "account": p, "region": "eu"} for p, ids in spare_ids.items() for i in ids],
        "enterprises": [
            {
                "id": enterprise_of(cast, company),
                "provisioning_id": cast.provisioning_id,
                "is_enterprise": cast.enterprise_mode,
            }
            for cast in all_casts.values()
            for company in cast.companies
        ],
        "addresses": [*_addresses(), *_spoilt_addresses(subscribers)],
        "broadworks_users": [*map(_phone_user, subscribers), *strangers()],
        "subscribers": subscribers,
    }


def addresses_to_try() -> dict[str, str]:
    """Addresses that Webex judges in a known way, with what happens."""
    return {
        "taken@other-company.example": "belongs to another organisation (200039)",
        "conflict@other-company.example": "has a conflicting service (200041)",
        "private@post.example": "a private Webex account: its owner is asked for consent",
        "down@post.example": "Webex fails twice, then works",
        "slow@post.example": "takes 45 seconds",
    }


def _addresses() -> list[dict[str, Any]]:
    taken, conflict, private, down, slow = addresses_to_try()
    return [
        {"email": taken, "kind": "other_organisation", "at_once": True},
        {"email": conflict, "kind": "conflicting_entitlement"},
        {"email": private, "kind": "consumer"},
        {"email": down, "kind": "down", "attempts": 2},
        {"email": slow, "kind": "slow", "seconds": 45},
    ]


def _spoilt_addresses(subscribers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who failed because of an address fails again with the same one, for the same cause."""
    return [
        {"email": user["email"], "kind": "refused", "code": user["errors"][0]}
        for user in subscribers
        if {str(error) for error in user["errors"]} & set(ADDRESS_ERRORS)
    ]


def _phone_user(user: dict[str, Any]) -> dict[str, Any]:
    """Everybody has a phone; its password is derived from its number."""
    return {
        "user_id": user["user_id"],
        "password": line_password(user["user_id"]),
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "enterprise": user["enterprise"],
        "provisioning_id": user["provisioning_id"],
        "group": user["enterprise"].partition("+")[2] or "main",
        "number": user["primary_phone"],
        "extension": user["extension"],
        "package": user["package"],
        "im_p": True,
    }


def line_password(user_id: str) -> str:
    """The demo password of a phone line; it opens nothing but the simulator."""
    dice = random.Random(f"line {user_id}")  # noqa: S311 -- demo data
    return "-".join("".join(dice.choices("abcdefghkmnpqrstuvwxyz23456789", k=4)) for _ in range(3))
