"""One test for each deviation of `deviations.DEVIATIONS`: both sides of it, readably."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from openapi_core.exceptions import OpenAPIError

from tests.simulator import contract
from tests.simulator.conftest import (
    CUSTOMER,
    HOME,
    TOKEN,
    Api,
    a_body,
    a_subscriber,
    an_account,
    codes,
)
from tests.simulator.deviations import DEVIATIONS
from tests.simulator.raw_http import raw, send_raw
from tests.simulator_process import SimulatorProcess

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(
        not contract.DOCUMENT.exists(),
        reason=f"NOT CHECKED: the published document is missing at {contract.DOCUMENT}",
    ),
]
URL = "/broadworks/subscribers"
USER = "100@nordictel.example"
WHOLE = a_body(USER)
Send = Callable[..., requests.Response]


@pytest.fixture
def send(simulator: SimulatorProcess) -> Send:
    """Send a request; `valid` says whether the published document allows it, which is checked."""

    def sent(method: str, path: str, *, valid: bool = True, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"{simulator.url}/v1{path}"
        prepared = requests.Request(method, url, headers, **options).prepare()
        if valid:
            contract.check_request(simulator.url, prepared)
        else:
            with pytest.raises(OpenAPIError):
                contract.check_request(simulator.url, prepared)
        answer = simulator.http.send(prepared, timeout=30)
        if answer.status_code >= 400:
            contract.check_refusal(answer)
        return answer

    return sent


def existing(simulator: SimulatorProcess, **members: Any) -> str:
    """The path of a subscriber that is there."""
    simulator.load({"subscribers": [a_subscriber(USER, **members)]})
    return f"{URL}/{Api(simulator).only(USER)['id']}"


def test_every_deviation_has_a_test_and_a_line_in_the_readme():
    readme = " ".join((contract.ROOT / "simulator" / "README.md").read_text().split())

    for deviation in DEVIATIONS:
        assert f"test_{deviation.name}" in globals()
        assert deviation.reason in readme
        assert deviation.sort in {"stricter", "wider", "unsaid", "contradiction"}
        assert deviation.source


def test_the_readme_names_no_deviation_beyond_the_list():
    readme = (contract.ROOT / "simulator" / "README.md").read_text()
    section = readme.partition("### Known deviations")[2].partition("\n#")[0]

    assert len(re.findall(r"^\| `\w+` ", section, re.MULTILINE)) == len(DEVIATIONS)


@pytest.mark.parametrize("path", [URL, f"{URL}/validate"])
def test_unknown_provisioning_id(path: str, send: Send):
    answer = send("POST", path, json=WHOLE | {"provisioningId": "no-such-template"})

    assert (answer.status_code, codes(answer)) == (400, [None])
    assert send("GET", URL, params={"provisioningId": "no-such"}).status_code == 400


@pytest.mark.parametrize("name", ["userId", "spEnterpriseId", "firstName", "lastName"])
def test_empty_text(name: str, send: Send):
    answer = send("POST", URL, json=WHOLE | {name: " \t "})

    assert (answer.status_code, codes(answer)) == (400, [1001])
    assert answer.json()["errors"][0]["fieldName"] == name


@pytest.mark.parametrize(("name", "size"), [("userId", 161), ("lastName", 256), ("timezone", 256)])
def test_long_text(name: str, size: int, send: Send):
    longest, longer = "x" * size, "x" * (size + 1)

    refused = send("POST", URL, json=WHOLE | {name: longer})

    assert (refused.status_code, codes(refused)) == (400, [1002])
    assert send("POST", URL, json=WHOLE | {name: longest}).status_code == 200


def test_nul_in_text(send: Send):
    assert send("POST", URL, json=WHOLE | {"timezone": "a\x00b"}).status_code == 400
    assert send("GET", URL, params={"userId": "a\x00b"}).status_code == 400


@pytest.mark.parametrize("email", ["nobody", "a@b", "a b@c.dk", "a@b.dk, c@d.dk"])
def test_not_an_address(email: str, send: Send):
    assert send("POST", URL, json=WHOLE | {"email": email}).status_code == 400
    assert send("POST", f"{URL}/validate", json={"email": email}).status_code == 400


def test_unknown_package(simulator: SimulatorProcess, send: Send):
    path = existing(simulator)

    assert send("PUT", path, json={"package": "gold"}).status_code == 400
    assert send("PUT", path, json={"package": "premium"}).status_code == 200


def test_last_number(simulator: SimulatorProcess, send: Send):
    path = existing(simulator, status="error", primary_phone="+45 1", extension="1")

    assert send("PUT", path, json={"extension": ""}).status_code == 200
    assert send("PUT", path, json={"primaryPhoneNumber": ""}).status_code == 400


def test_precheck_with_a_template(send: Send):
    alone = {"email": "new@acme.example"}

    assert send("POST", f"{URL}/validate", json=alone).status_code == 200
    refused = send("POST", f"{URL}/validate", json=alone | {"provisioningId": HOME})
    assert (refused.status_code, codes(refused)) == (400, [1001, 1001])
    whole = alone | {"provisioningId": HOME, "userId": USER, "spEnterpriseId": CUSTOMER}
    assert send("POST", f"{URL}/validate", json=whole).status_code == 200


@pytest.mark.parametrize(
    ("path", "most"), [(URL, 100), ("/broadworks/enterprises", 1000)], ids=["list", "enterprises"]
)
def test_page_size(path: str, most: int, send: Send):
    for size in (0, -1, most + 1):
        assert send("GET", path, params={"max": size}).status_code == 400
    for size in (1, most):
        assert send("GET", path, params={"max": size}).status_code == 200


@pytest.mark.parametrize("name", ["lastStatusChange", "after"])
def test_unreadable_time(name: str, send: Send):
    assert send("GET", URL, params={name: "yesterday"}).status_code == 400


def test_missing_body(simulator: SimulatorProcess, send: Send):
    path = existing(simulator)

    for method, where in (("POST", URL), ("POST", f"{URL}/validate"), ("PUT", path)):
        assert send(method, where).status_code == 415


def test_null_is_missing(simulator: SimulatorProcess, send: Send):
    made = send("POST", URL, valid=False, json=WHOLE | {"extension": None, "email": None})
    assert (made.status_code, made.json()["status"]) == (200, "pending_email_input")

    refused = send("POST", URL, valid=False, json=WHOLE | {"lastName": None})
    assert (refused.status_code, codes(refused)) == (400, [1001])

    kept = send("PUT", f"{URL}/{made.json()['id']}", valid=False, json={"lastName": None})
    assert kept.json()["lastName"] == "Holm"


def test_several_statuses(simulator: SimulatorProcess, send: Send):
    existing(simulator, status="error")

    one = send("GET", URL, params={"status": "error"})
    several = send("GET", URL, valid=False, params={"status": "provisioned,error"})

    assert one.json() == several.json()
    assert len(several.json()["items"]) == 1


@pytest.mark.parametrize(
    ("answers", "form"), [("schema", False), ("examples", "false"), ("letter", False)]
)
def test_self_activated_text(answers: str, form: object, simulator: SimulatorProcess, send: Send):
    path = existing(simulator)
    simulator.load({"accounts": [an_account(answers=answers)]})

    assert send("GET", path).json()["selfActivated"] == form
    assert send("GET", URL).json()["items"][0]["selfActivated"] == form
    assert send("PUT", path, json={"package": "basic"}).json()["selfActivated"] == form


@pytest.mark.parametrize(
    ("answers", "form"), [("schema", dict), ("examples", list), ("letter", dict)]
)
def test_precheck_info_list(answers: str, form: type, simulator: SimulatorProcess, send: Send):
    simulator.load({"accounts": [an_account(answers=answers)]})

    answer = send("POST", f"{URL}/validate", json=WHOLE)

    assert isinstance(answer.json()["info"], form)


@pytest.mark.parametrize("answers", ["schema", "examples"])
def test_list_of_enterprises(answers: str, simulator: SimulatorProcess, send: Send):
    simulator.load({"accounts": [an_account(answers=answers)]})
    (listed,) = send("GET", "/broadworks/enterprises").json()["items"]

    simulator.load({"accounts": [an_account(answers="letter")]})
    one = send("GET", "/broadworks/enterprises", params={"startsWith": "Nordictel"})
    none = send("GET", "/broadworks/enterprises", params={"startsWith": "Nobody"})

    assert listed["spEnterpriseId"] == CUSTOMER
    assert one.json() == listed
    assert none.json() == {}


def test_whole_numbers_and_times(simulator: SimulatorProcess, send: Send):
    path = existing(simulator, status="error", errors=[10022, "a text of ours"])
    usual = send("GET", path).json()
    simulator.load({"accounts": [an_account(answers="letter")]})

    answer = send("GET", path)

    error, other = answer.json()["errors"]
    assert '"errorCode": 10022.0' in answer.text
    assert (error["errorCode"], other.keys()) == (10022, {"description"})
    assert "created" in usual
    assert "created" not in answer.json()
    assert usual["lastStatusChange"].endswith("Z")
    assert answer.json()["lastStatusChange"] == usual["lastStatusChange"][:-1] + "+00:00"
    assert "created" in simulator.force(path.rpartition("/")[2], status="provisioned")
    assert "created" in send("GET", path).json()
    assert '"infoCode": 100.0' in send("POST", f"{URL}/validate", json={"email": "a@b.dk"}).text


def test_form_of_refusals(send: Send):
    answer = send("GET", f"{URL}/unknown")

    body = answer.json()
    assert body.keys() == {"message", "errors", "trackingId"}
    assert body["trackingId"] == answer.headers["TrackingID"]
    assert "content" not in contract.published()["paths"][URL]["get"]["responses"]["404"]


def test_other_statuses(api: Api):
    large = api.call("POST", URL, json=WHOLE | {"lastName": "x" * 2_000_000})
    long = send_raw(api.simulator, raw(f"GET /v1{URL}?userId={'x' * 9000} HTTP/1.1", "Host: x"))

    assert (large.status_code, long.status_code) == (413, 414)
    contract.check_refusal(long)
    for operation in contract.published()["paths"][URL].values():
        assert not {"413", "414", "431"} & operation["responses"].keys()


def test_offset(simulator: SimulatorProcess, api: Api):
    simulator.load({"subscribers": [a_subscriber(f"{n}@nordictel.example") for n in range(3)]})
    (parameters,) = (
        operation["parameters"]
        for method, operation in contract.published()["paths"][URL].items()
        if method == "get"
    )

    assert api.user_ids(offset=1) == ["1@nordictel.example", "0@nordictel.example"]
    assert api.user_ids(offset=3) == []
    assert api.list(offset=1, cursor="WzJd").status_code == 400
    assert api.list(offset=1_000_000_000).status_code == 400
    assert "offset" not in {parameter["name"] for parameter in parameters}
