"""Nordictel on a real simulator that knows two provisioning IDs, and one of Iberfone's."""

from __future__ import annotations

from typing import Any

import pytest

from templates_app.services import TemplateSettings

TOKEN = "token-of-nordictel"


@pytest.fixture
def webex(simulator_process, partner):
    """The simulated backend, with Nordictel's connection pointing to it."""
    simulator_process.reset()
    simulator_process.load(
        {
            "accounts": [
                {"token": TOKEN, "name": "Nordictel"},
                {"token": "token-of-iberfone", "name": "Iberfone"},
            ],
            "provisioning_ids": [
                {"id": "prov-known", "account": "Nordictel"},
                {"id": "prov-second", "account": "Nordictel"},
                {"id": "prov-iberfone", "account": "Iberfone"},
            ],
        }
    )
    partner.connection.api_base_url = f"{simulator_process.url}/v1"
    partner.connection.set_token(TOKEN)
    partner.connection.save()
    return simulator_process


@pytest.fixture
def wanted():
    """Settings of a template, with changes."""

    def make(**changes: Any) -> TemplateSettings:
        values: dict[str, Any] = {
            "name": "Hotels",
            "provisioning_id": "prov-known",
            "country": "DK",
            "language": "da",
            "enterprise_mode": True,
            "default_package": "standard",
            "untrusted_emails": True,
            "share_link": "",
            "allow_self_activation": False,
            "provision_admin_first": False,
        }
        return TemplateSettings(**values | changes)

    return make
