"""What each method sends and what it makes of the answer."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.webex.conftest import PROVISIONING_ID, subscriber_json
from tests.webex.test_faults import REQUEST
from tests.webex.wire_server import refusal, reply
from webex import errors
from webex.payloads import PrecheckRequest, RemoteError, body_hash


def query_of(target: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(target).query, strict_parsing=True))


def test_every_filter_goes_out_by_the_apis_name(backend, client):
    backend.will(reply(200, {"items": []}))

    pages = list(
        client.list_subscribers(
            PROVISIONING_ID,
            changed_after=datetime(2020, 1, 15, 0, 0, 0, 245000, tzinfo=UTC),
            statuses=["error", "provisioned"],
            user_id="+45 70@sp.example",
            sp_enterprise_id="SP1+acme",
            email="a+b@c.example",
            page_size=10,
        )
    )

    assert [(page.number, page.subscribers) for page in pages] == [(1, ())]
    assert query_of(backend.seen[0].target) == {
        "provisioningId": PROVISIONING_ID,
        "lastStatusChange": "1579046400245",
        "status": "error,provisioned",
        "userId": "+45 70@sp.example",
        "spEnterpriseId": "SP1+acme",
        "email": "a+b@c.example",
        "max": "10",
    }


def test_a_page_is_asked_for_only_when_the_one_before_was_taken(backend, client):
    backend.will(
        reply(200, {"items": [subscriber_json()]}, {"Link": '</v1/x?c=2>; rel="next"'}),
        reply(200, {"items": [subscriber_json(id="second")]}),
    )

    pages = client.list_subscribers(PROVISIONING_ID)
    first = next(pages)
    asked = len(backend.seen)
    second = next(pages)

    assert (asked, len(backend.seen)) == (1, 2)
    assert (first.number, second.number) == (1, 2)
    assert second.subscribers[0].id == "second"


def test_entries_that_are_no_subscribers_are_counted_not_hidden(backend, client):
    backend.will(reply(200, {"items": [subscriber_json(), None, {"id": "half"}]}))

    (page,) = client.list_subscribers(PROVISIONING_ID)

    assert (len(page.subscribers), page.skipped) == (1, 2)


@pytest.mark.parametrize("body", [{}, [], {"items": None}, {"items": {}}, b"<html>", b""])
def test_a_list_without_items_is_not_an_empty_list(backend, client, body):
    backend.will(reply(200, body))

    with pytest.raises(errors.Unknown) as caught:
        list(client.list_subscribers(PROVISIONING_ID))

    assert caught.value.reason == "garbage"


def test_find_compares_the_key_itself_should_webex_ignore_the_filter(backend, client):
    backend.will(
        reply(
            200,
            {
                "items": [
                    subscriber_json(id="1", userId="Jens@SP.example"),
                    subscriber_json(id="2", userId="jens@sp.example", spEnterpriseId="other"),
                    subscriber_json(id="3", userId="hans@sp.example"),
                    subscriber_json(id="4", userId="jens@sp.example", provisioningId="other"),
                    subscriber_json(id="5", userId="jens@sp.example"),
                ]
            },
        )
    )

    found = client.find_subscribers(PROVISIONING_ID, "jens@sp.example", "SP1+acme")

    assert [subscriber.id for subscriber in found] == ["1", "5"]
    sent = query_of(backend.seen[0].target)
    assert (sent["userId"], sent["spEnterpriseId"]) == ("jens@sp.example", "SP1+acme")


def test_provision_sends_exactly_the_bytes_whose_hash_was_promised(backend, client):
    backend.will(reply(200, subscriber_json(status="provisioning")))

    answer = client.provision(REQUEST)

    seen = backend.seen[0]
    assert (seen.method, seen.target) == ("POST", "/v1/broadworks/subscribers")
    assert seen.headers["content-type"] == "application/json"
    assert hashlib.sha256(seen.body).hexdigest() == body_hash(REQUEST.to_json())
    assert answer.status == "provisioning"


def test_update_sends_the_changes_also_empty_ones(backend, client):
    backend.will(reply(200, subscriber_json(status="updating")))

    answer = client.update("a/b+c==", package="premium", mobilePhoneNumber="")

    seen = backend.seen[0]
    assert (seen.method, seen.target) == ("PUT", "/v1/broadworks/subscribers/a%2Fb%2Bc%3D%3D")
    assert seen.body == b'{"mobilePhoneNumber":"","package":"premium"}'
    changes = {"package": "premium", "mobilePhoneNumber": ""}
    assert hashlib.sha256(seen.body).hexdigest() == body_hash(changes)
    assert answer.status == "updating"


def test_remove_and_consent_mail_have_no_body(backend, client):
    backend.will(reply(204), reply(204))

    client.remove("a")
    client.send_consent_mail("a")

    assert [(seen.method, seen.target, seen.body) for seen in backend.seen] == [
        ("DELETE", "/v1/broadworks/subscribers/a", b""),
        ("POST", "/v1/subscribers/a/emails/consentMove", b""),
    ]


@pytest.mark.parametrize("subscriber_id", ["", ".", ".."])
def test_an_id_that_would_mean_another_path_is_not_sent(backend, client, subscriber_id):
    with pytest.raises(errors.NotFound):
        client.remove(subscriber_id)

    assert backend.seen == []


def test_removing_what_is_gone_says_so(backend, client):
    backend.will(refusal(404))

    with pytest.raises(errors.NotFound):
        client.remove("a")


@pytest.mark.parametrize("info", [{"infoCode": 100, "description": "fine"}, None])
@pytest.mark.parametrize("as_list", [True, False])
def test_a_good_precheck_in_both_forms(backend, client, info, as_list):
    body = {"message": "success", "info": [info] if as_list else info}
    backend.will(reply(200, body))

    verdict = client.precheck(PrecheckRequest(email="a@b.example"))

    assert verdict.ok
    assert verdict.infos == ((RemoteError("100", "fine"),) if info else ())
    assert backend.seen[0].target == "/v1/broadworks/subscribers/validate"


@pytest.mark.parametrize("status", [200, 400, 403, 404, 409, 422])
@pytest.mark.parametrize(
    "body",
    [
        {"message": "no", "errorCode": {"errorCode": 200039, "description": "in use"}},
        {"message": "no", "errors": [{"errorCode": 200039.0, "description": "in use"}]},
    ],
)
def test_a_refusal_with_a_code_is_a_verdict(backend, client, status, body):
    backend.will(reply(status, {**body, "trackingId": "T1"}))

    verdict = client.precheck(PrecheckRequest(email="a@b.example"))

    assert (verdict.ok, verdict.code, verdict.text) == (False, "200039", "in use")
    assert verdict.tracking_id == "T1"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "no", "trackingId": "T"}, errors.Refused),
        (302, {"errorCode": 1, "description": "x"}, errors.Refused),
        (401, {"errorCode": 1, "description": "x"}, errors.TokenRefused),
        (429, {"errorCode": 1, "description": "x"}, errors.Throttled),
        (423, {"errorCode": 1, "description": "x"}, errors.Locked),
        (500, {"errorCode": 1, "description": "x"}, errors.Unknown),
        (200, {}, errors.Unknown),
        (200, [], errors.Unknown),
        (204, None, errors.Unknown),
    ],
)
def test_anything_else_is_no_verdict(backend, client, status, body, kind):
    backend.will(reply(status, body))

    with pytest.raises(kind):
        client.precheck(PrecheckRequest(email="a@b.example"))


@pytest.mark.parametrize(
    ("answer", "known"),
    [(reply(200, {"items": []}), True), (refusal(400), False), (refusal(404), False)],
)
def test_a_provisioning_id_is_known_or_not(backend, client, answer, known):
    backend.will(answer)

    assert client.knows_provisioning_id(PROVISIONING_ID) is known
    assert query_of(backend.seen[0].target) == {"provisioningId": PROVISIONING_ID, "max": "1"}


@pytest.mark.parametrize("status", [301, 401, 403, 405, 408, 429, 500, 503])
def test_whether_a_provisioning_id_is_known_is_not_guessed(backend, client, status):
    backend.will(reply(status, {"items": []}))

    with pytest.raises(errors.WebexError):
        client.knows_provisioning_id(PROVISIONING_ID)
