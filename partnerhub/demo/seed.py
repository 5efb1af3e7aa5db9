"""Making the demo: the simulator's world, then partners, people and templates, then a sync."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import BackendConnection, Partner, User
from accounts.rights import Role
from common import http
from partnerhub.demo import world
from partnerhub.demo.casting import Cast
from provisioning.sync import passes
from templates_app.models import IdCheck, OnboardingTemplate

PARTNERS: dict[str, dict[str, Any]] = {
    world.NORDICTEL: {
        "accent": "petrol",
        "support_text": "Nordictel Support",
        "support_phone": "+45 70 10 10 10",
        "support_url": "https://support.nordictel.example/",
        "password_reset_url": "https://selfcare.nordictel.example/password/",
        "terms_url": "https://nordictel.example/terms/",
        "privacy_url": "https://nordictel.example/privacy/",
        "mail_sender_name": "Nordictel",
        "mail_reply_to": "support@nordictel.example",
    },
    world.IBERFONE: {
        "accent": "clay",
        "support_text": "Iberfone Atención",
        "support_phone": "+34 900 10 10 10",
        "mail_sender_name": "Iberfone",
        "mail_reply_to": "ayuda@iberfone.example",
    },
}
PEOPLE = [
    ("anna@nordictel.example", "Anna Kofoed", Role.FULL, world.NORDICTEL),
    ("bo@nordictel.example", "Bo Skovgaard", Role.ADMIN, world.NORDICTEL),
    ("rie@nordictel.example", "Rie Lund", Role.READ_ONLY, world.NORDICTEL),
    ("carla@iberfone.example", "Carla Ibáñez", Role.FULL, world.IBERFONE),
]
OPERATIONS = "ops@hub.example"
#: Differences from a template's defaults.
TEMPLATES: dict[str, dict[str, Any]] = {
    "SMB Denmark": {"language": "da", "country": "DK"},
    "Hotels 2026": {"language": "da", "country": "DK", "default_package": "softphone"},
    "Pymes España": {"language": "es", "country": "ES"},
    "Grandes Empresas": {
        "language": "es",
        "country": "ES",
        "default_package": "premium",
        "provision_admin_first": True,
        "allow_self_activation": True,
    },
}
#: Misconfigured on purpose: its share link leads to the portal of SMB Denmark.
WRONG_LINK = ("Hotels 2026", "SMB Denmark")
SPARE_IDS = 3


class SimulatorAway(Exception):
    """The simulator did not take the world."""


def seed(password: str) -> None:
    """Make everything; the database must hold no partner.

    Raises:
        SimulatorAway: nothing was made here; run it again.
    """
    tokens = {partner: secrets.token_urlsafe(32) for partner in PARTNERS}
    document = world.build(tokens, spare_ids())
    # Whoever rehearses with the control token may look at the first partner's users with it too.
    visitor = {"token": settings.SIMULATOR_CONTROL_TOKEN, "name": world.NORDICTEL, "region": "eu"}
    document["accounts"].append(visitor | {"token_name": "visitor"})
    _load_world(document)
    with transaction.atomic():
        partners = {name: _partner(name, tokens[name]) for name in PARTNERS}
        _people(partners, password)
        _templates(partners)
    for partner in partners.values():
        passes.sync_connection(partner.connection.pk)


def spare_ids() -> dict[str, list[str]]:
    """Provisioning IDs that Webex knows and no template has, to try "New template" with."""
    return {
        partner: [world.provisioning_id(f"spare {partner} {n}") for n in range(SPARE_IDS)]
        for partner in PARTNERS
    }


def _load_world(document: dict[str, Any]) -> None:
    request = http.Request(
        "POST",
        f"{settings.SIMULATOR_URL}/_control/world",
        {
            "Authorization": f"Bearer {settings.SIMULATOR_CONTROL_TOKEN}",
            "Content-Type": "application/json",
        },
        json.dumps(document).encode(),
    )
    timeout = http.Timeout(connect=5.0, total=60.0)
    try:
        answer = http.call(request, timeout=timeout, trusted_hosts=settings.BACKEND_HOSTS)
    except http.CallFailed as error:
        raise SimulatorAway(str(error)) from error
    if answer.status != 200:
        raise SimulatorAway(f"HTTP {answer.status}: {answer.body[:300]!r}")


def _partner(name: str, token: str) -> Partner:
    partner = Partner.objects.create(name=name, **PARTNERS[name])
    connection = BackendConnection.objects.create(
        partner=partner,
        api_base_url=f"{settings.SIMULATOR_URL}/v1",
        xsi_base_url=f"{settings.SIMULATOR_URL}/com.broadsoft.xsi-actions/v2.0",
    )
    connection.set_token(token)
    connection.save()
    audit.record(audit.SYSTEM, "partner.seed", partner, partner=partner)
    return partner


def _people(partners: dict[str, Partner], password: str) -> None:
    for email, name, role, partner in PEOPLE:
        User.objects.create_user(email, password, name=name, role=role, partner=partners[partner])
    User.objects.create_superuser(OPERATIONS, password, name="Operations")


def _templates(partners: dict[str, Partner]) -> None:
    made: dict[str, OnboardingTemplate] = {}
    for name, cast in world.casts().items():
        made[name] = _template(name, cast, partners[cast.service_provider])
    wrong, right = WRONG_LINK
    made[wrong].share_link = made[right].activation_link
    made[wrong].save()


def _template(name: str, cast: Cast, partner: Partner) -> OnboardingTemplate:
    template = OnboardingTemplate(
        partner=partner,
        name=name,
        provisioning_id=cast.provisioning_id,
        enterprise_mode=cast.enterprise_mode,
        id_check=IdCheck.KNOWN,
        **TEMPLATES[name],
    )
    template.share_link = template.activation_link
    template.save()
    return template


def move(old: dict[str, Any]) -> None:
    """Follow a change of PORT or SIMULATOR_PORT since the demo was made."""
    was, now = old.get("simulator_url", ""), settings.SIMULATOR_URL
    if was and was != now:
        for connection in BackendConnection.objects.filter(api_base_url__startswith=f"{was}/"):
            connection.api_base_url = connection.api_base_url.replace(was, now, 1)
            connection.xsi_base_url = connection.xsi_base_url.replace(was, now, 1)
            connection.save(update_fields=["api_base_url", "xsi_base_url"])
    was, now = old.get("url", ""), settings.PUBLIC_URL
    if was and was != now:
        for template in OnboardingTemplate.objects.filter(share_link__startswith=f"{was}/"):
            template.share_link = template.share_link.replace(was, now, 1)
            template.save(update_fields=["share_link"])


def facts(password: str) -> dict[str, Any]:
    """What a visitor of the demo may know (DESIGN section 6), but for the processes."""
    people = User.objects.filter(email__in=[email for email, *_ in PEOPLE]).order_by("id")
    templates = OnboardingTemplate.objects.select_related("partner").order_by("id")
    return {
        "url": settings.PUBLIC_URL,
        "simulator_url": settings.SIMULATOR_URL,
        "simulator_token": settings.SIMULATOR_CONTROL_TOKEN,
        "simulator_tokens": {
            connection.partner.name: connection.token
            for connection in BackendConnection.objects.select_related("partner")
        },
        "password": password,
        "administrators": [
            {
                "email": person.email,
                "role": person.role,
                "partner": person.partner.name if person.partner else "",
            }
            for person in people.select_related("partner")
        ],
        "operations": OPERATIONS,
        "templates": [
            {
                "name": template.name,
                "partner": template.partner.name,
                "uuid": str(template.uuid),
                "activation_url": template.activation_link,
            }
            for template in templates
        ],
        "portal_logins": [asdict(login) for login in world.logins()],
        "spare_provisioning_ids": [i for ids in spare_ids().values() for i in ids],
        "addresses_to_try": world.addresses_to_try(),
    }
