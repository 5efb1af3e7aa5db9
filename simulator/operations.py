"""The operations of the published document and of the login: name, scope, handler."""

from __future__ import annotations

from dataclasses import dataclass

from simulator import consent, enterprises, precheck, provision, subscribers, xsi
from simulator.auth import ENTERPRISES_READ, SUBSCRIBERS_READ, SUBSCRIBERS_WRITE
from simulator.calls import Handler


@dataclass(frozen=True)
class Operation:
    """What a method on a resource does; no scope: the handler checks who asks."""

    name: str
    scope: str
    handle: Handler


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("subscribers", "GET"): Operation("list", SUBSCRIBERS_READ, subscribers.list_page),
    ("subscribers", "POST"): Operation("provision", SUBSCRIBERS_WRITE, provision.provision),
    ("subscriber", "GET"): Operation("get", SUBSCRIBERS_READ, subscribers.get),
    ("subscriber", "PUT"): Operation("update", SUBSCRIBERS_WRITE, subscribers.update),
    ("subscriber", "DELETE"): Operation("remove", SUBSCRIBERS_WRITE, subscribers.remove),
    ("validate", "POST"): Operation("precheck", SUBSCRIBERS_WRITE, precheck.precheck),
    ("enterprises", "GET"): Operation("enterprises", ENTERPRISES_READ, enterprises.list_page),
    ("consent_move", "POST"): Operation("consent_move", SUBSCRIBERS_WRITE, consent.send_again),
    ("profile", "GET"): Operation("login", "", xsi.profile),
}
RESOURCE_METHODS: dict[str, list[str]] = {
    resource: [method for name, method in OPERATIONS if name == resource]
    for resource, _ in OPERATIONS
}
