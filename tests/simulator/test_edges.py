"""Requests at the edge of HTTP, JSON and the API: refused in its form, or harmless; never a 500."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from tests.simulator import contract
from tests.simulator.conftest import (
    CUSTOMER,
    HOME,
    TOKEN,
    Api,
    a_body,
    a_subscriber,
)
from tests.simulator_process import SimulatorProcess

URL = "/broadworks/subscribers"
USER = "100@nordictel.example"
DEEP = 100_000


def post(api: Api, body: bytes, kind: str = "application/json") -> requests.Response:
    return api.call("POST", URL, data=body, headers={"Content-Type": kind})


WHOLE = json.dumps(a_body(USER))
BODIES = {
    "nothing": (b"", 400),
    "a list": (b"[]", 400),
    "a text": (b'"x"', 400),
    "half an object": (b'{"userId": ', 400),
    "NaN": (WHOLE.replace('"standard"', '"standard", "x": NaN').encode(), 400),
    "a number beyond measure": (b'{"x": ' + b"9" * 5000 + b"}", 400),
    "nested beyond measure": (b"[" * DEEP, 400),
    "an object nested beyond measure": (b'{"a":' * DEEP, 400),
    "bytes that are no text": (b'{"userId": "\xff\xfe"}', 400),
    "half a surrogate pair": (WHOLE.replace("Holm", r"\ud800").encode(), 400),
    "NUL": (WHOLE.replace("Holm", r"a\u0000b").encode(), 400),
    "a number as text": (WHOLE.replace('"Holm"', "5").encode(), 400),
    "ten megabytes": (WHOLE.replace("Holm", "x" * 10_000_000).encode(), 413),
    "a long text": (WHOLE.replace("Holm", "x" * 257).encode(), 400),
    "a long text of blanks": (WHOLE.replace("Holm", "x" + " " * 256).encode(), 400),
    "a header in a text": (WHOLE.replace("Holm", r"a\r\nX-Evil: 1").encode(), 200),
    "emoji": (WHOLE.replace("Holm", "\\ud83d\\ude00").encode(), 200),
    "a member twice": (WHOLE.replace("{", '{"lastName": "First", ', 1).encode(), 200),
    "a member nobody knows": (WHOLE.replace("{", '{"colour": {"a": [1]}, ', 1).encode(), 200),
    "UTF-16": (WHOLE.encode("utf-16"), 200),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_of_every_kind(case: str, api: Api):
    body, status = BODIES[case]

    answer = post(api, body)

    assert answer.status_code == status, answer.text[:300]
    assert "X-Evil" not in answer.headers
    assert len(api.user_ids()) == (1 if status == 200 else 0)


def test_the_last_of_two_members_counts(api: Api):
    body, _ = BODIES["a member twice"]

    assert post(api, body).json()["lastName"] == "Holm"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json-patch+json", 415),
        ("", 415),
    ],
)
def test_media_types(kind: str, status: int, api: Api):
    assert post(api, WHOLE.encode(), kind).status_code == status


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/xml", "x", ""])
def test_answers_are_json_whatever_is_accepted(accept: str, api: Api):
    answer = api.call("GET", URL, headers={"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


ALLOWED = {
    URL: {"GET", "POST"},
    f"{URL}/validate": {"POST"},
    f"{URL}/some-id": {"GET", "PUT", "DELETE"},
    "/broadworks/enterprises": {"GET"},
    "/subscribers/some-id/emails/consentMove": {"POST"},
}


OTHERS = [
    (method, path)
    for path, allowed in ALLOWED.items()
    for method in ("OPTIONS", "PATCH", "TRACE", "GET", "POST", "PUT", "DELETE", "BREW")
    if method not in allowed
]


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_another_method_is_refused_with_those_there_are(method: str, path: str, api: Api):
    answer = api.call(method, path)

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path]


@pytest.mark.parametrize("path", [URL, "/broadworks/enterprises", f"{URL}/unknown"])
def test_head_is_get_without_the_body(path: str, api: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER)]})
    whole = api.call("GET", path)

    head = api.call("HEAD", path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize(
    "path", [f"{URL}/", f"{URL}//", "/broadworks/enterprises/", "/Broadworks/subscribers", "/", ""]
)
def test_an_address_is_taken_by_the_letter(path: str, api: Api):
    assert api.call("GET", path).status_code == 404


def test_an_id_may_be_encoded_and_padded(api: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER)]})
    public = api.only(USER)["id"]
    encoded = "".join(f"%{ord(letter):02X}" for letter in public)
    padded = public + "%3D" * (-len(public) % 4)

    assert api.get(encoded).json()["id"] == public
    assert api.get(padded).json()["id"] == public


@pytest.mark.parametrize("public", ["%FF%FE", "%C3%A6", "..%2F..", "a%0D%0AX-Evil:1", "x" * 5000])
def test_an_id_that_cannot_be_is_not_found(public: str, api: Api):
    answer = api.get(public)

    assert answer.status_code == 404
    assert "X-Evil" not in answer.headers


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


QUERIES: dict[str, tuple[str, int]] = {
    "max 0": ("max=0", 400),
    "max 101": ("max=101", 400),
    "max 1e3": ("max=1e3", 400),
    "max -1": ("max=-1", 400),
    "max with a blank": ("max=%201", 400),
    "max in other digits": ("max=%D9%A3", 400),
    "max empty": ("max=", 200),
    "max twice, the last counts": ("max=0&max=1", 200),
    "max with a sign": ("max=%2B5", 400),
    "an unknown filter is ignored": ("colour=red&status=provisioned", 200),
    "a filter in other letters is unknown": ("STATUS=nonsense", 200),
    "statuses with blanks": ("status=error%2C%20provisioned%20", 200),
    "statuses twice over": ("status=error,error", 200),
    "a comma too many": ("status=error,", 400),
    "a status in capitals": ("status=ERROR", 400),
    "epoch milliseconds": ("lastStatusChange=1579046400245", 200),
    "epoch below zero": ("lastStatusChange=-1", 200),
    "two signs": ("lastStatusChange=--1", 400),
    "epoch beyond measure": (f"after={'9' * 5000}", 400),
    "other digits": ("after=%D9%A3", 400),
    "ISO 8601 in UTC": ("after=2026-01-01T00:00:00Z", 200),
    "ISO 8601 with milliseconds": ("after=2026-01-01T00:00:00.123Z", 200),
    "ISO 8601 with an offset": ("after=2026-01-01T00:00:00%2B02:00", 200),
    "an offset whose plus became a blank": ("after=2026-01-01T00:00:00+02:00", 200),
    "ISO 8601, the date alone": ("after=2026-01-01", 200),
    "the first moment there is": ("after=0001-01-01T00:00:00%2B14:00", 200),
    "the last moment there is": ("after=9999-12-31T23:59:59-14:00", 200),
    "no date": ("after=2026-02-30", 400),
    "a query of nothing but signs": ("&&=&=x&%", 200),
    "bytes that are no text": ("userId=%FF%FE", 200),
    "two thousand parameters": ("&".join(["a=1"] * 2000), 400),
    "an end in a value": ("userId=a%0D%0AX-Evil:1", 200),
    "a cursor of nonsense": ("cursor=%%%", 400),
    "a cursor that is a text": (f"cursor={cursor('[true]')}", 400),
    "a cursor that is a fraction": (f"cursor={cursor('[1.5]')}", 400),
    "a cursor below zero": (f"cursor={cursor('[-5]')}", 200),
    "a cursor beyond measure": (f"cursor={cursor('[' + '9' * 60 + ']')}", 200),
    "a cursor nested beyond measure": (f"cursor={cursor('[' * 4000)}", 400),
    "a cursor of nothing": (f"cursor={cursor('[]')}", 400),
    "a cursor of an object": (f"cursor={cursor('{}')}", 400),
}


@pytest.mark.parametrize("case", QUERIES)
def test_queries_of_every_kind(case: str, api: Api, simulator: SimulatorProcess):
    simulator.load({"subscribers": [a_subscriber(USER), a_subscriber("200@nordictel.example")]})
    query, status = QUERIES[case]

    answer = simulator.http.get(
        f"{simulator.url}/v1{URL}?{query}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
    )

    assert answer.status_code == status, answer.text[:300]
    assert "X-Evil" not in answer.headers
    contract.check_refusal(answer) if status >= 400 else answer.json()["items"]


def test_a_cursor_goes_on_where_it_was_under_other_filters_too(
    api: Api, simulator: SimulatorProcess
):
    many = [a_subscriber(f"{n}@nordictel.example", package="basic") for n in range(4)]
    simulator.load({"subscribers": [*many, a_subscriber(USER)]})
    place = api.list(max=2).links["next"]["url"].rpartition("cursor=")[2]

    rest = api.user_ids(cursor=place, status="provisioned", provisioningId=HOME)

    assert rest == [f"{n}@nordictel.example" for n in (2, 1, 0)]
    assert api.user_ids(cursor=place, spEnterpriseId=CUSTOMER + "x") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer"},
        {"Authorization": "Basic Og=="},
        {"Authorization": "bearer  " + TOKEN + "x"},
        {"Authorization": "Bearer " + "x" * 5000},
        {"Authorization": b"Bearer \xff\xfe"},
        {},
    ],
)
def test_a_token_that_is_none(headers: dict[str, Any], simulator: SimulatorProcess):
    answer = requests.get(f"{simulator.url}/v1{URL}", headers=headers, timeout=60)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    contract.check_refusal(answer)


@pytest.mark.parametrize("path", ["/nowhere", "/v2/x", "/v1/people/me", "/com.broadsoft/x"])
def test_an_address_outside_the_api_is_not_found(path: str, simulator: SimulatorProcess):
    answer = requests.get(f"{simulator.url}{path}", timeout=60)

    assert answer.status_code == 404
    contract.check_refusal(answer)
