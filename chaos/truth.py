"""Whether our rows show, after a run, what the backend holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from accounts.models import BackendConnection
from chaos import world
from chaos.backend import Backend
from chaos.world import World
from provisioning.models import Subscriber
from provisioning.sync import passes

TRIES = 10
Shown = tuple[str, str, str, str]


def differences(backend: Backend, people: World) -> list[str]:
    """Bring in everything once more; tell each user who is not shown as the backend holds him."""
    found = []
    for name, connection in people.connections.items():
        if not (
            _insisted(passes.sync_connection, connection)
            and _insisted(passes.full_pass, connection)
        ):
            found.append(f"the last sync of {name} failed")
            continue
        theirs, ours = held(backend, name), _ours(connection.pk)
        for webex_id in sorted(theirs.keys() | ours.keys()):
            if theirs.get(webex_id) != ours.get(webex_id):
                found.append(f"shown {ours.get(webex_id)}, in truth {theirs.get(webex_id)}")
    return found


def _insisted(read: Callable[[int], bool], connection: BackendConnection) -> bool:
    """Read, also when a worker of the run is just at it, or the gate about to open."""
    for _ in range(TRIES):
        if read(connection.pk):
            return True
        time.sleep(1)
    return False


def _ours(connection_id: int) -> dict[str, Shown]:
    fields = ("webex_id", "broadworks_id", "backend_status", "package", "email")
    rows = Subscriber.objects.live().filter(connection_id=connection_id).values_list(*fields)
    return {row[0] or f"none of {row[1]}": (row[1], row[2], row[3], row[4]) for row in rows}


def held(backend: Backend, name: str) -> dict[str, Shown]:
    """What the backend holds of a tenant, by ID."""
    headers = {"Authorization": f"Bearer {world.token(name)}"}
    url = f"{backend.url}/v1/broadworks/subscribers?max=100"
    url += f"&provisioningId={world.provisioning_id(name)}"
    found: dict[str, Shown] = {}
    while url:
        answer = requests.get(url, headers=headers, timeout=30)
        answer.raise_for_status()
        found |= {item["id"]: _shown(item) for item in answer.json()["items"]}
        url = answer.links.get("next", {}).get("url", "")
    return found


def _shown(item: dict[str, Any]) -> Shown:
    return item["userId"], item["status"], item["package"], item.get("email", "")
