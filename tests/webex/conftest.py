from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.http import Timeout
from tests.webex.wire_server import WireServer
from webex.client import WebexClient

TOKEN = "canary-token-Zx81"
PROVISIONING_ID = "ZjViMzYxODct+OjQ/yODVm=="


@pytest.fixture
def backend() -> Iterator[WireServer]:
    server = WireServer()
    yield server
    server.stop()


@pytest.fixture
def client(backend: WireServer) -> WebexClient:
    return make_client(backend)


@pytest.fixture
def hurried(backend: WireServer) -> WebexClient:
    """A client with little time, for servers that never end."""
    return make_client(backend, total=0.5)


def make_client(server: WireServer, *, total: float = 5.0, token: str = TOKEN) -> WebexClient:
    return WebexClient(
        server.url,
        token,
        timeout=Timeout(connect=min(2.0, total), total=total),
        trusted_hosts=[server.origin.partition("//")[2]],
    )


def subscriber_json(**changes: object) -> dict[str, object]:
    """The published contract's own example, changed at will."""
    return {
        "id": "Y2lzY29zcGFyazovL3VzL1NVQlNDUklCRVIvNjk3MGU2YmI",
        "userId": "95547321@sp.com",
        "spEnterpriseId": "SP1+acme",
        "firstName": "John",
        "lastName": "Andersen",
        "email": "john.anderson@acme.com",
        "primaryPhoneNumber": "+1-240-555-1212",
        "mobilePhoneNumber": "+1-818-279-1234",
        "extension": "1212",
        "package": "standard",
        "status": "error",
        "errors": [{"errorCode": 10022, "description": "The BroadWorks UserID is taken"}],
        "created": "2019-10-18T14:26:16.000Z",
        "lastStatusChange": "2020-03-18T16:05:34.000Z",
        "provisioningId": PROVISIONING_ID,
        "selfActivated": "false",
    } | changes
