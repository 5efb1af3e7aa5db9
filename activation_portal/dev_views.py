"""The demo's mailbox: mails, portal logins and spare provisioning IDs; embedded default only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import public
from provisioning.activation import dev_mailbox as kept


@public("exists only in the embedded default, with demo data")
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """All mails, newest first; `to` shows those of one address."""
    to = request.GET.get("to", "").strip().casefold()
    demo = _demo()
    links = {one["name"]: one["activation_url"] for one in demo.get("templates", [])}
    logins = [one | {"link": links.get(one["template"])} for one in demo.get("portal_logins", [])]
    context = {
        "mails": [mail for mail in kept.mails() if to in mail.to.casefold()],
        "to": to,
        "logins": logins,
        "spare_ids": demo.get("spare_provisioning_ids", []),
    }
    return render(request, "activation_portal/mailbox.html", context)


def _demo() -> dict[str, Any]:
    """What the seed wrote of the demo; nothing when there is no such file."""
    try:
        found = json.loads(Path(settings.DEMO_FILE).read_text()) if settings.DEMO_FILE else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
