"""Bodies and shapes that no client should trust; the effect has happened all the same."""

from __future__ import annotations

import json
import time
import zlib
from pathlib import Path

import pytest

from tests.needs import need_proc
from tests.simulator.conftest import CUSTOMER, HOME, Api, a_subscriber, an_account
from tests.simulator.wire import SUBSCRIBERS, ask, post
from tests.simulator_process import SimulatorProcess

USER = "100@nordictel.example"
PROMPT = {"provision_seconds": [0, 0], "first_user_seconds": 0}


@pytest.fixture
def stock(simulator: SimulatorProcess) -> SimulatorProcess:
    """One provisioned subscriber and one in error."""
    failed = a_subscriber("2@nordictel.example", status="error", errors=[200042])
    simulator.load({"subscribers": [a_subscriber("1@nordictel.example"), failed]})
    return simulator


@pytest.mark.parametrize(("status", "word"), [(200, b"Please sign in"), (502, b"Bad Gateway")])
@pytest.mark.parametrize("effect", [False, True])
def test_html_instead_of_json(
    api: Api, simulator: SimulatorProcess, status: int, word: bytes, effect: bool
):
    simulator.fault(kind="html", operation="provision", status=status, effect=effect)

    answer = post(simulator)

    assert (answer.status, answer.all("Content-Type")) == (status, ["text/html"])
    assert word in answer.body
    assert api.user_ids() == ([USER] if effect else [])


def test_a_wrong_content_type(simulator: SimulatorProcess):
    simulator.fault(kind="wrong_content_type", content_type="image/png")

    answer = post(simulator)

    assert (answer.all("Content-Type"), answer.data["userId"]) == (["image/png"], USER)


def test_half_a_body_with_a_right_length(api: Api, simulator: SimulatorProcess):
    simulator.fault(kind="truncated", operation="provision")

    answer = post(simulator)

    assert answer.is_whole
    assert answer.all("Content-Length") == [str(len(answer.body))]
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(answer.body)
    assert api.user_ids() == [USER]


def test_no_body(simulator: SimulatorProcess):
    simulator.fault(kind="empty")

    answer = post(simulator)

    assert (answer.status, answer.body, answer.all("Content-Length")) == (200, b"", ["0"])


@pytest.mark.parametrize("hang", [0, 0.3])
def test_less_than_was_promised(api: Api, simulator: SimulatorProcess, hang: float):
    simulator.fault(kind="cut_short", operation="provision", hang_seconds=hang)
    began = time.monotonic()

    answer = post(simulator)

    assert not answer.is_whole
    assert int(answer.all("Content-Length")[0]) > len(answer.body) > 0
    assert time.monotonic() - began >= hang
    assert api.user_ids() == [USER]


def test_a_huge_body_costs_the_simulator_no_memory(stock: SimulatorProcess):
    stock.fault(kind="huge", megabytes=120)
    before = _memory(stock)

    answer = ask(stock)

    assert len(answer.body) > 120 * 1024 * 1024
    assert len(answer.data["items"]) == 2
    assert _memory(stock) - before < 20


def test_a_gzip_bomb(stock: SimulatorProcess):
    stock.fault(kind="gzip_bomb", megabytes=80)
    before = _memory(stock)

    answer = ask(stock)

    assert answer.all("Content-Encoding") == ["gzip"]
    assert len(answer.body) < 1024 * 1024
    plain = zlib.decompress(answer.body, wbits=zlib.MAX_WBITS | 16)
    assert len(plain) > 80 * 1024 * 1024
    assert len(json.loads(plain)["items"]) == 2
    assert _memory(stock) - before < 20


def _memory(simulator: SimulatorProcess) -> float:
    """The peak of the serving process, in MB."""
    need_proc()
    (worker,) = (
        process
        for process in Path("/proc").glob("[0-9]*")
        if _parent(process) == simulator.process.pid
    )
    lines = (worker / "status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def _parent(process: Path) -> int:
    # /proc's own list of children may leave some out while any process ends (proc(5)).
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_a_body_that_drips(simulator: SimulatorProcess):
    simulator.fault(kind="drip", bytes_per_second=50)  # five at a time, the last without a wait
    began = time.monotonic()

    answer = ask(simulator)

    assert answer.data == {"items": []}
    assert time.monotonic() - began >= (len(answer.body) - 5) / 50


@pytest.mark.parametrize(
    ("form", "mark"),
    [
        ("invalid_utf8", b"\xff\xfe"),
        ("duplicate_keys", b'"id": "other", "id"'),
        ("nan", b": NaN"),
        ("deep", b"[[[["),
        ("rubbish", b"}\n<!--"),
        ("number", b"1111"),
    ],
)
def test_json_that_is_not_quite(api: Api, simulator: SimulatorProcess, form: str, mark: bytes):
    simulator.fault(kind="bad_json", operation="provision", form=form)

    answer = post(simulator)

    assert (answer.status, answer.all("Content-Type")) == (200, ["application/json"])
    assert mark in answer.body
    assert api.user_ids() == [USER]


SHAPES = {
    "list": lambda data: isinstance(data, list) and "items" in data[0],
    "text": lambda data: data == "OK",
    "null": lambda data: data is None,
    "no_items": lambda data: data.keys() == {"subscribers"},
    "items_object": lambda data: isinstance(data["items"], dict),
    "items_of_text": lambda data: data["items"][:2] == ["one", None],
    "no_id": lambda data: data["items"] and all("id" not in item for item in data["items"]),
    "no_status": lambda data: all("status" not in item for item in data["items"]),
    "no_time": lambda data: all("lastStatusChange" not in item for item in data["items"]),
    "numbers": lambda data: {item["userId"] for item in data["items"]} == {7},
    "nulls": lambda data: {item["userId"] for item in data["items"]} == {None},
    "errors_object": lambda data: all(isinstance(item["errors"], dict) for item in data["items"]),
}


@pytest.mark.parametrize("form", SHAPES)
def test_json_of_another_shape(stock: SimulatorProcess, form: str):
    stock.fault(kind="wrong_schema", form=form)

    assert SHAPES[form](ask(stock).data)


def test_a_status_that_nobody_knows(stock: SimulatorProcess):
    stock.fault(kind="unknown_status", status="levitating")

    assert {item["status"] for item in ask(stock).data["items"]} == {"levitating"}


def test_an_error_code_that_nobody_knows(stock: SimulatorProcess):
    stock.fault(kind="unknown_error", code=777, description="Odd.")

    failed, fine = ask(stock).data["items"]
    refused = ask(stock, path=f"{SUBSCRIBERS}?provisioningId=nobody")

    assert failed["errors"] == [{"errorCode": 777, "description": "Odd."}]
    assert "errors" not in fine
    assert refused.data["errors"] == failed["errors"]


@pytest.mark.parametrize(
    ("form", "shown"), [("examples", "false"), ("schema", False), ("letter", False)]
)
def test_both_sides_of_the_documents_contradictions(
    stock: SimulatorProcess, form: str, shown: object
):
    other = "schema" if form == "examples" else "examples"
    stock.load({"accounts": [an_account(answers=other)]})
    stock.fault(kind="contradiction", form=form)
    key = {"provisioningId": HOME, "spEnterpriseId": CUSTOMER, "userId": USER}

    item = ask(stock).data["items"][0]
    passed = ask(stock, "POST", f"{SUBSCRIBERS}/validate", body=key | {"email": "a@b.example"})

    assert item["selfActivated"] == shown
    assert type(item["selfActivated"]) is type(shown)
    assert isinstance(passed.data["info"], list if form == "examples" else dict)
    one_of_two = ask(stock, path="/v1/broadworks/enterprises").data
    assert ("items" in one_of_two) is (form != "letter")
