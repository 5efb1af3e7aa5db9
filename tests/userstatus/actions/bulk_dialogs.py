"""How tests ask for a bulk dialog, and send its form."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from userstatus.actions.registry import BULK_ACTIONS
from userstatus.row_keys import short

HTMX = {"HX-Request": "true"}
ORDERS = {"retry": {}, "package": {"package": "premium"}, "delete": {}}
each_action = pytest.mark.parametrize("action", BULK_ACTIONS, ids=lambda action: action.name)


def path(action, template) -> str:
    return reverse(f"userstatus:bulk_{action.name}", args=[template.uuid])


def keys(*users) -> str:
    return ".".join(short(user.pk) for user in users)


def frozen(answer) -> str:
    """What the dialog carries from GET to POST."""
    return unescape(re.search(r'name="frozen" value="([^"]*)"', answer.content.decode())[1])


def ask(browser: Client, action, template, *users):
    return browser.get(path(action, template), {"id": keys(*users)}, headers=HTMX)


def order(browser: Client, action, template, *users) -> dict[str, str]:
    """What the dialog's form sends."""
    return ORDERS[action.name] | {"frozen": frozen(ask(browser, action, template, *users))}
