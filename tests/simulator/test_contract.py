"""Requests and answers of every operation against the published document."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from openapi_core.exceptions import OpenAPIError

from tests.simulator import contract
from tests.simulator.conftest import CUSTOMER, HOME, TOKEN, Api, a_body, a_subscriber, an_account
from tests.simulator_process import SimulatorProcess

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        not contract.DOCUMENT.exists(),
        reason=f"NOT CHECKED: the published document is missing at {contract.DOCUMENT}",
    ),
]
STATUSES = [
    "pending_email_input",
    "pending_email_validation",
    "pending_user_migration",
    "provisioning",
    "provisioned",
    "updating",
    "error",
]
WHOLE = a_body("100@nordictel.example") | {
    "primaryPhoneNumber": "+45 12345678",
    "mobilePhoneNumber": "+45 87654321",
    "extension": "5678",
    "language": "da_DK",
    "timezone": "Europe/Copenhagen",
}
PLAIN_QUERIES: list[tuple[str, dict[str, Any]]] = [
    ("/broadworks/subscribers", {}),
    ("/broadworks/subscribers", {"provisioningId": HOME, "max": 2}),
    ("/broadworks/subscribers", {"status": "error", "selfActivated": "true", "after": "0"}),
    ("/broadworks/subscribers", {"lastStatusChange": "2026-01-01T00:00:00Z", "email": "a@b.dk"}),
    ("/broadworks/enterprises", {}),
    ("/broadworks/enterprises", {"startsWith": "Nordic", "max": 1}),
]


def send(simulator: SimulatorProcess, method: str, path: str, **options: Any) -> requests.Response:
    """Send a request that the document describes, and hold its answer against it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    prepared = requests.Request(method, f"{simulator.url}/v1{path}", headers, **options).prepare()
    contract.check_request(simulator.url, prepared)
    answer = simulator.http.send(prepared, timeout=30)
    contract.check_answer(simulator.url, answer)
    return answer


@pytest.mark.parametrize(("path", "query"), PLAIN_QUERIES)
def test_lists_keep_to_the_document(path: str, query: dict[str, Any], simulator: SimulatorProcess):
    many = [a_subscriber(f"{i}@acme.example", status=status) for i, status in enumerate(STATUSES)]
    many[-1]["errors"] = [10022, "ours"]
    simulator.load({"subscribers": many})

    answer = send(simulator, "GET", path, params=query)

    assert answer.status_code == 200
    assert isinstance(answer.json()["items"], list)


def test_the_life_of_a_subscriber_keeps_to_the_document(simulator: SimulatorProcess):
    url = "/broadworks/subscribers"
    assert send(simulator, "POST", f"{url}/validate", json=WHOLE).status_code == 200
    made = send(simulator, "POST", url, json=WHOLE).json()
    assert made["spEnterpriseId"] == CUSTOMER
    simulator.advance(10)
    assert send(simulator, "GET", f"{url}/{made['id']}").json()["status"] == "provisioned"
    changed = send(simulator, "PUT", f"{url}/{made['id']}", json={"package": "premium"})
    assert changed.json()["status"] == "updating"
    removed = Api(simulator).remove(made["id"])  # an empty 204 is correct: no body to check
    assert (removed.status_code, removed.content) == (204, b"")


def test_the_consent_mail_keeps_to_the_document(simulator: SimulatorProcess):
    user_id = "100@nordictel.example"
    simulator.load({"subscribers": [a_subscriber(user_id, status="pending_user_migration")]})
    found = Api(simulator).only(user_id)

    answer = send(simulator, "POST", f"/subscribers/{found['id']}/emails/consentMove")

    assert (answer.status_code, answer.content) == (204, b"")


def test_the_judge_can_say_no(simulator: SimulatorProcess):
    """The document's own example form breaks its schema: the check must notice."""
    simulator.load({"accounts": [an_account(answers="examples")]})

    with pytest.raises(OpenAPIError):
        send(simulator, "POST", "/broadworks/subscribers", json=WHOLE)
    with pytest.raises(OpenAPIError):
        send(simulator, "POST", "/broadworks/subscribers", json=WHOLE | {"package": "gold"})
