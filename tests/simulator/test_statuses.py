"""Every status that the document lists for an operation: by its own causes, or else by a fault."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from tests.simulator import contract
from tests.simulator.conftest import (
    FOREIGN_HOME,
    READER,
    Api,
    a_body,
    a_subscriber,
    an_account,
)
from tests.simulator_process import SimulatorProcess

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        not contract.DOCUMENT.exists(),
        reason=f"NOT CHECKED: the published document is missing at {contract.DOCUMENT}",
    ),
]
WHOLE = a_body("100@nordictel.example")
USER, BUSY = "100@nordictel.example", "200@nordictel.example"
URL, ONE, GONE = (
    "/broadworks/subscribers",
    "/broadworks/subscribers/{id}",
    "/broadworks/subscribers/no",
)
UNDER_WAY = "/broadworks/subscribers/{busy}"
CONSENT = "/subscribers/{id}/emails/consentMove"
#: Operation → status → method, path, body or query, token where it is not the usual one.
ANSWERS: dict[str, dict[int, tuple[Any, ...]]] = {
    "list": {
        200: ("GET", URL),
        400: ("GET", URL + "?max=0"),
        401: ("GET", URL, None, "nobody"),
        403: ("GET", URL + f"?provisioningId={FOREIGN_HOME}"),
        405: ("PATCH", URL),
    },
    "provision": {
        200: ("POST", URL, a_body("300@nordictel.example")),
        400: ("POST", URL, {}),
        401: ("POST", URL, WHOLE, "nobody"),
        403: ("POST", URL, WHOLE, READER),
        405: ("DELETE", URL),
        409: ("POST", URL, WHOLE),
        415: ("POST", URL, "text"),
        423: ("POST", URL, a_body(BUSY)),
    },
    "get": {
        200: ("GET", ONE),
        401: ("GET", ONE, None, "nobody"),
        404: ("GET", GONE),
        405: ("POST", ONE),
    },
    "update": {
        200: ("PUT", ONE, {"package": "premium"}),
        400: ("PUT", ONE, {"package": "gold"}),
        401: ("PUT", ONE, {}, "nobody"),
        403: ("PUT", ONE, {}, READER),
        404: ("PUT", GONE, {}),
        405: ("PATCH", ONE, {}),
        409: ("PUT", ONE, {"userId": BUSY}),
        415: ("PUT", ONE, "text"),
        423: ("PUT", UNDER_WAY, {"package": "premium"}),
    },
    "remove": {
        204: ("DELETE", ONE),
        401: ("DELETE", ONE, None, "nobody"),
        403: ("DELETE", ONE, None, READER),
        404: ("DELETE", GONE),
        423: ("DELETE", UNDER_WAY),
    },
    "precheck": {
        200: ("POST", f"{URL}/validate", {"email": "new@acme.example"}),
        400: ("POST", f"{URL}/validate", {}),
        401: ("POST", f"{URL}/validate", WHOLE, "nobody"),
        403: ("POST", f"{URL}/validate", WHOLE, READER),
        405: ("GET", f"{URL}/validate"),
        409: ("POST", f"{URL}/validate", WHOLE),
        415: ("POST", f"{URL}/validate", "text"),
    },
    "enterprises": {
        200: ("GET", "/broadworks/enterprises"),
        400: ("GET", "/broadworks/enterprises?max=1001"),
        401: ("GET", "/broadworks/enterprises", None, "nobody"),
        403: ("GET", "/broadworks/enterprises", None, READER),
        405: ("PUT", "/broadworks/enterprises"),
    },
    "consent_move": {
        204: ("POST", "/subscribers/{waiting}/emails/consentMove"),
        401: ("POST", CONSENT, None, "nobody"),
        403: ("POST", CONSENT, None, READER),
        404: ("POST", "/subscribers/x/emails/consentMove"),
        405: ("GET", CONSENT),
        409: ("POST", CONSENT),
    },
}
PATHS = {
    "list": (URL, "get"),
    "provision": (URL, "post"),
    "get": (URL + "/{subscriberId}", "get"),
    "update": (URL + "/{subscriberId}", "put"),
    "remove": (URL + "/{subscriberId}", "delete"),
    "precheck": (URL + "/validate", "post"),
    "enterprises": ("/broadworks/enterprises", "get"),
    "consent_move": ("/subscribers/{subscriberId}/emails/consentMove", "post"),
}
OWN = [(name, status) for name, answers in ANSWERS.items() for status in answers]
WAITING = "400@nordictel.example"


def documented(name: str) -> list[int]:
    """The statuses that the document lists for an operation."""
    path, method = PATHS[name]
    return [int(status) for status in contract.published()["paths"][path][method]["responses"]]


def by_fault() -> list[tuple[str, int]]:
    if not contract.DOCUMENT.exists():
        return []
    return [
        (name, status) for name in PATHS for status in documented(name) if (name, status) not in OWN
    ]


@pytest.fixture
def people(simulator: SimulatorProcess) -> dict[str, str]:
    """The IDs of one provisioned, one under way, one that waits for consent."""
    simulator.load({"accounts": [an_account(busy="locked")]})
    waiting = a_subscriber(WAITING, status="pending_user_migration")
    simulator.load({"subscribers": [a_subscriber(USER), waiting]})
    api = Api(simulator)
    api.provision(BUSY)
    listed = {item["userId"]: item["id"] for item in api.list().json()["items"]}
    return {"id": listed[USER], "busy": listed[BUSY], "waiting": listed[WAITING]}


def ask(
    simulator: SimulatorProcess,
    ids: dict[str, str],
    method: str,
    path: str,
    body: Any = None,
    token: str = "",
) -> requests.Response:
    sent = {"data": body} if isinstance(body, str) else {"json": body}
    return Api(simulator, *([token] if token else [])).call(method, path.format(**ids), **sent)


def check_status(simulator: SimulatorProcess, answer: requests.Response) -> None:
    """Raise unless the document lists the status, and its schema fits, if it has one."""
    judge = contract.document(simulator.url)
    assert judge is not None
    if answer.status_code != 204:  # openapi-core misses a body in a correct 204
        request = RequestsOpenAPIRequest(answer.request)
        judge.validate_response(request, RequestsOpenAPIResponse(answer))


@pytest.mark.parametrize(("name", "status"), OWN)
def test_an_operation_answers_with_a_status_of_its_own(
    name: str, status: int, people: dict[str, str], simulator: SimulatorProcess
):
    answer = ask(simulator, people, *ANSWERS[name][status])

    assert answer.status_code == status
    if status == 405:  # of an operation that the document doesn't know
        assert answer.headers["Allow"]
    else:
        check_status(simulator, answer)


@pytest.mark.parametrize(("name", "status"), by_fault())
def test_a_fault_can_answer_with_every_other_status(
    name: str, status: int, people: dict[str, str], simulator: SimulatorProcess
):
    usual = ANSWERS[name].get(200) or ANSWERS[name][204]
    simulator.fault(operation=name, status=status)

    answer = ask(simulator, people, *usual)

    assert answer.status_code == status
    check_status(simulator, answer)


def test_the_document_lists_every_status_of_ours():
    for name, status in OWN:
        assert status in documented(name)
