"""Each request that the client sends is one that the published document describes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from openapi_core.exceptions import OpenAPIError
from openapi_core.validation.request.exceptions import ParameterValidationError

from tests.contract.document import SentRequest, examples, judge
from tests.webex.conftest import PROVISIONING_ID, make_client, subscriber_json
from tests.webex.wire_server import Seen, WireServer, reply
from webex.client import WebexClient
from webex.payloads import PrecheckRequest, ProvisionRequest, RemoteSubscriber

FULL = {
    "provisioning_id": PROVISIONING_ID,
    "user_id": "95547321@sp.com",
    "sp_enterprise_id": "Reseller1+acme",
    "first_name": "Åse",
    "last_name": "Sørensen",
    "package": "standard",
    "email": "ase@acme.example",
    "primary_phone": "+45-70101010",
    "mobile_phone": "+45-20202020",
    "extension": "1010",
    "language": "da_DK",
    "timezone": "Europe/Copenhagen",
}
BARE = {name: FULL[name] for name in list(FULL)[:6]}
ONE, LIST = reply(200, subscriber_json()), reply(200, {"items": []})
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

type_call = Callable[[WebexClient], object]
CALLS: dict[str, tuple[type_call, object]] = {
    "list": (lambda c: list(c.list_subscribers("P")), LIST),
    "list filtered": (
        lambda c: list(
            c.list_subscribers(
                "P",
                changed_after=LONG_AGO,
                statuses=["error"],
                user_id="+45 1@sp.example",
                sp_enterprise_id="SP+acme",
                email="a+b@c.example",
            )
        ),
        LIST,
    ),
    "find": (lambda c: c.find_subscribers("P", "u@sp.example", "SP+acme"), LIST),
    "knows": (lambda c: c.knows_provisioning_id("P"), LIST),
    "get": (lambda c: c.get_subscriber("Y2lz/+=="), ONE),
    "provision": (lambda c: c.provision(ProvisionRequest(**FULL)), ONE),
    "provision bare": (lambda c: c.provision(ProvisionRequest(**BARE)), ONE),
    "update": (lambda c: c.update("Y2lz", package="premium"), ONE),
    "update all": (
        lambda c: c.update(
            "Y2lz",
            userId="u@sp.example",
            firstName="A",
            lastName="B",
            primaryPhoneNumber="+45-1",
            mobilePhoneNumber="",
            extension="1",
            timezone="Europe/Madrid",
            package="basic",
        ),
        ONE,
    ),
    "remove": (lambda c: c.remove("Y2lz"), reply(204)),
    "precheck": (
        lambda c: c.precheck(PrecheckRequest(**FULL, customer_email="c@acme.example")),
        reply(200, {"message": "success", "info": {"infoCode": 100}}),
    ),
    "precheck bare": (
        lambda c: c.precheck(PrecheckRequest(email="a@b.example")),
        reply(200, {"message": "success", "info": [{"infoCode": 100}]}),
    ),
    "consent mail": (lambda c: c.send_consent_mail("Y2lz"), reply(204)),
}


def sent_by(call: type_call, answer) -> Seen:
    server = WireServer()
    server.will(answer)
    call(make_client(server))
    server.stop()
    (seen,) = server.seen
    return seen


def validate(seen: Seen, *, target: str | None = None, body: bytes | None = None) -> None:
    judge().validate_request(
        SentRequest(
            seen.method,
            seen.target if target is None else target,
            seen.headers,
            seen.body if body is None else body,
        )
    )


@pytest.mark.parametrize("name", CALLS)
def test_a_request_is_as_the_document_describes_it(name):
    validate(sent_by(*CALLS[name]))


def test_every_public_method_of_the_client_is_checked():
    public = {name for name in vars(WebexClient) if not name.startswith("_")}

    assert public == {
        "list_subscribers",
        "find_subscribers",
        "knows_provisioning_id",
        "get_subscriber",
        "provision",
        "update",
        "remove",
        "precheck",
        "send_consent_mail",
    }


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("provision", {"body": b'{"userId": "u"}'}),
        ("provision", {"body": b'{"package": 7}'}),
        ("precheck", {"body": b"{}"}),
        ("list", {"target": "/v1/broadworks/subscribers?max=many"}),
        ("list", {"target": "/v1/broadworks/subscriber"}),
    ],
)
def test_the_judge_refuses_what_the_document_does_not_describe(name, changes):
    seen = sent_by(*CALLS[name])

    with pytest.raises(OpenAPIError):
        validate(seen, **changes)


def test_several_statuses_are_the_one_thing_that_the_documents_schema_refuses():
    """Its description allows a comma list, its schema one value; Webex follows the description."""
    seen = sent_by(lambda c: list(c.list_subscribers("P", statuses=["error", "updating"])), LIST)

    with pytest.raises(ParameterValidationError) as caught:
        validate(seen)

    assert caught.value.name == "status"


@pytest.mark.parametrize(("where", "body"), examples())
def test_the_documents_own_examples_are_read(where, body):
    if where.endswith("/validate"):
        server = WireServer()
        server.will(reply(200, body))
        verdict = make_client(server).precheck(PrecheckRequest(email="a@b.example"))
        server.stop()
        assert (verdict.ok, verdict.infos[0].code) == (True, "100")
        return

    found = [RemoteSubscriber.from_json(item) for item in body.get("items", [body])]

    assert found[0].user_id == "95547321@sp.com"
    assert found[0].self_activated is False
    assert found[0].last_status_change is not None
