"""The client against every way in which the simulated backend can go wrong, over a real socket.

Whatever comes, a call ends in time: with an answer that is true, or with an error of ours.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from common.http import Timeout
from tests.simulator_process import SimulatorProcess
from tests.webex.wire_server import WireServer
from webex import xsi
from webex.client import WebexClient
from webex.errors import (
    Forbidden,
    Locked,
    PagingStopped,
    Throttled,
    TokenRefused,
    Unknown,
    WebexError,
)
from webex.payloads import PrecheckRequest, ProvisionRequest, RemoteSubscriber

TOKEN, HOME, CUSTOMER = "canary-token-Wq77", "hostile-template", "Nordictel+hostile"
USERS = [f"{number}@hostile.example" for number in range(5)]
STOCK = {
    "accounts": [{"token": TOKEN, "name": "Hostile"}],
    "provisioning_ids": [{"id": HOME, "account": "Hostile"}],
    "enterprises": [{"id": CUSTOMER, "provisioning_id": HOME}],
    "broadworks_users": [{"user_id": USERS[0], "password": "pw", "enterprise": CUSTOMER}],
    "subscribers": [
        {"user_id": user, "provisioning_id": HOME, "enterprise": CUSTOMER, "age_seconds": 60}
        for user in USERS
    ],
}
NEW = ProvisionRequest(
    provisioning_id=HOME,
    user_id="new@hostile.example",
    sp_enterprise_id=CUSTOMER,
    first_name="Åse",
    last_name="Ny",
    package="basic",
)
PRECHECK = PrecheckRequest(email="new@hostile.example")
#: Seconds for a whole call, and how much longer the other side takes where it takes long.
PATIENCE, LONG = 0.4, 1.2
#: What a kind is ordered with: values of its `form` (all of them, unless said otherwise).
MORE: dict[str, dict[str, Any]] = {
    "rate_limit": {"requests_per_minute": 1, "burst": 1},
    "slow": {"seconds": LONG},
    "black_hole": {"seconds": LONG},
    "late_effect": {"effect_after_seconds": LONG},
    "down": {"seconds": LONG},
    "drip": {"bytes_per_second": 5},
    "gzip_bomb": {"megabytes": 60},
}
SLOW = ("slow", "black_hole", "late_effect", "down", "drip")
MAX_MEMORY = 50 * 1024 * 1024


@dataclass
class Tried:
    """The calls made against one fault: what each came to, and the worst of time and memory."""

    results: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    peak: int = 0

    @property
    def errors(self) -> set[type[Exception]]:
        return {type(result) for result in self.results.values() if isinstance(result, Exception)}


@pytest.fixture
def hostile(simulator_process: SimulatorProcess) -> Iterator[SimulatorProcess]:
    simulator_process.reset()
    simulator_process.load(STOCK)
    yield simulator_process
    simulator_process.reset()


def client_of(simulator: SimulatorProcess, total: float) -> WebexClient:
    return WebexClient(
        f"{simulator.url}/v1",
        TOKEN,
        timeout=Timeout(connect=min(2.0, total), total=total),
        trusted_hosts=[urlsplit(simulator.url).netloc],
    )


def attempt(simulator: SimulatorProcess, fault: dict[str, Any], total: float = 10.0) -> Tried:
    """Make one call of each sort while a fault strikes."""
    client = client_of(simulator, total)
    known = client_of(simulator, 10.0).find_subscribers(HOME, USERS[0])[0].id
    simulator.fault(**fault)
    calls: dict[str, Callable[[], Any]] = {
        "list": lambda: list(client.list_subscribers(HOME, page_size=2)),
        "get": lambda: client.get_subscriber(known),
        "provision": lambda: client.provision(NEW),
        "update": lambda: client.update(known, package="softphone"),
        "precheck": lambda: client.precheck(PRECHECK),
        "find": lambda: client.find_subscribers(HOME, USERS[1]),
        "remove": lambda: client.remove(known),
    }
    tried = Tried()
    tracemalloc.start()
    for name, call in calls.items():
        began = time.monotonic()
        try:
            tried.results[name] = call()
        except WebexError as error:
            tried.results[name] = error
        tried.seconds = max(tried.seconds, time.monotonic() - began)
    tried.peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return tried


def variants(simulator: SimulatorProcess) -> dict[str, dict[str, Any]]:
    """Every kind in the simulator's own table, with each value of each of its options."""
    found = {}
    for item in simulator.control("GET", "kinds")["items"]:
        kind = item["kind"]
        base = {"kind": kind} | MORE.get(kind, {})
        found[kind] = base
        for name, option in item["options"].items():
            for value in option.get("values", []):
                if value not in (option["default"], "any"):
                    found[f"{kind} {name}={value}"] = base | {name: value}
    return found


def check(name: str, tried: Tried, simulator: SimulatorProcess, after: str) -> None:
    """Hold what came of it against the truth."""
    sent = simulator.requests(after=after)
    assert max(fault["hits"] for fault in simulator.control("GET", "faults")["items"]), name
    assert tried.peak < MAX_MEMORY, name
    for page in found_of(tried, "list"):
        assert {one.user_id for one in page.subscribers} <= {*USERS, NEW.user_id}, name
    provisioned = tried.results["provision"]
    if isinstance(provisioned, RemoteSubscriber):
        assert provisioned.user_id == NEW.user_id, name
    for found in found_of(tried, "find"):
        assert found.user_id == USERS[1], name
    changes = [line["operation"] for line in sent if line["operation"] in CHANGES]
    # Two lines for one request: the second tells of an effect that came later.
    assert len(changes) <= len(CHANGES) * (2 if "late_effect" in name else 1), name
    assert not [line for line in sent if line["token_name"] != "Hostile"], name


CHANGES = ("provision", "update", "remove")


def found_of(tried: Tried, name: str) -> list[Any]:
    result = tried.results[name]
    return result if isinstance(result, list) else []


def test_whatever_goes_wrong_a_call_ends_with_the_truth_or_an_error(hostile: SimulatorProcess):
    for name, fault in variants(hostile).items():
        if fault["kind"] in SLOW:
            continue
        hostile.reset()
        hostile.load(STOCK)
        after = str(_last_line(hostile))

        tried = attempt(hostile, fault)

        check(name, tried, hostile, after)
        assert tried.seconds < 60, name


@pytest.mark.parametrize("kind", SLOW)
def test_whoever_takes_too_long_is_left_in_time(hostile: SimulatorProcess, kind: str):
    for name, fault in variants(hostile).items():
        if fault["kind"] == kind:
            hostile.reset()
            hostile.load(STOCK)
            after = str(_last_line(hostile))

            tried = attempt(hostile, fault, PATIENCE)

            check(name, tried, hostile, after)
            assert tried.seconds < 60, name


def _last_line(simulator: SimulatorProcess) -> int:
    lines = simulator.requests()
    return int(lines[-1]["id"]) if lines else 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "too_many_requests", "form": "text"}, {Throttled}),
        ({"kind": "too_many_requests", "form": "two"}, {Throttled}),
        ({"kind": "locked", "operation": "update,remove,provision"}, {Locked}),
        ({"kind": "token_refused"}, {TokenRefused}),
        ({"kind": "scope_lost"}, {Forbidden}),
        ({"kind": "server_error", "status": 502}, {Unknown}),
        ({"kind": "down", "form": "html"}, {Unknown}),
        ({"kind": "gateway"}, {Unknown}),
        ({"kind": "gateway", "status": "any", "form": "any", "effect": True}, {Unknown}),
        ({"kind": "drop"}, {Unknown}),
        ({"kind": "huge"}, {Unknown}),
        ({"kind": "gzip_bomb", "megabytes": 60}, {Unknown}),
        ({"kind": "bad_json", "form": "deep"}, {Unknown}),
        ({"kind": "next_link", "form": "self"}, {PagingStopped}),
        ({"kind": "next_link", "form": "other_scheme"}, {PagingStopped}),
    ],
)
def test_what_an_error_is_called(
    hostile: SimulatorProcess, fault: dict[str, Any], expected: set[type[Exception]]
):
    assert attempt(hostile, fault).errors == expected


@pytest.mark.parametrize("form", ["foreign_host", "disguised_host"])
def test_the_token_goes_nowhere_else(hostile: SimulatorProcess, form: str):
    thief = WireServer()
    fault = {"kind": "next_link", "form": form, "host": urlsplit(thief.url).netloc}

    tried = attempt(hostile, fault)
    thief.stop()

    assert isinstance(tried.results["list"], PagingStopped)
    assert thief.connections == 0


@pytest.mark.parametrize(
    "form", ["seconds", "date", "absent", "negative", "decimal", "huge", "text", "empty", "two"]
)
def test_a_wait_is_always_told_and_never_too_short(hostile: SimulatorProcess, form: str):
    fault = {"kind": "too_many_requests", "form": form, "seconds": 7}

    error = attempt(hostile, fault).results["provision"]

    assert isinstance(error, Throttled)
    assert 7 <= error.retry_after <= 900


def test_a_list_that_went_wrong_is_never_taken_for_an_empty_one(hostile: SimulatorProcess):
    for form in ("no_items", "items_object", "list", "null", "text"):
        hostile.control("DELETE", "faults")

        tried = attempt(hostile, {"kind": "wrong_schema", "form": form, "operation": "list"})

        assert isinstance(tried.results["find"], Unknown), form
        assert isinstance(tried.results["list"], Unknown), form
        hostile.reset()
        hostile.load(STOCK)


def test_a_page_of_rubbish_says_that_it_was_skipped(hostile: SimulatorProcess):
    for form in ("no_id", "no_status", "nulls", "numbers", "items_of_text"):
        hostile.reset()
        hostile.load(STOCK)

        pages = attempt(hostile, {"kind": "wrong_schema", "form": form}).results["list"]

        assert all(page.skipped and not page.subscribers for page in pages), form


def test_a_login_ends_with_the_truth_or_an_error(hostile: SimulatorProcess):
    trusted = [urlsplit(hostile.url).netloc]
    for name, fault in variants(hostile).items():
        suits = {"login"} & set(_operations(hostile, fault["kind"]))
        if not suits or "form=hang" in name:
            continue
        hostile.control("DELETE", "faults")
        hostile.fault(**fault | {"operation": "login"})
        patience = PATIENCE if fault["kind"] in SLOW else 10.0
        began = time.monotonic()
        try:
            found: object = xsi.check_login(
                hostile.url, USERS[0], "pw", timeout=patience, trusted_hosts=trusted
            ).user_id
        except xsi.XsiError as error:
            found = type(error)
        assert found in {USERS[0], xsi.XsiUnavailable}, name
        assert time.monotonic() - began < 60, name


def _operations(simulator: SimulatorProcess, kind: str) -> list[str]:
    items = simulator.control("GET", "kinds")["items"]
    (found,) = (item["operations"] for item in items if item["kind"] == kind)
    return list(found)
