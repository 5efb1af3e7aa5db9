"""Every kind of fault against every kind of job: what ends agrees with the backend.

All users of a test are worked on at once, each with a fault of its own, because a minute of
waiting is the same for one user and for forty. Some pairs of operation and backend are enough to
tell whether a change is right; the others are asked by `make test-long`.
"""

from __future__ import annotations

import functools
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone

from accounts.models import BackendConnection, RetryBy
from common.http import Timeout
from provisioning import sweep
from provisioning.activation import login as portal_login
from provisioning.activation.admission import PortalRefused
from provisioning.activation.login import Login
from provisioning.backend import client as backend_client
from provisioning.engine import worker_turn
from provisioning.jobs import outbox, user_services
from provisioning.models import Job
from provisioning.states import JobKind
from tests.activation_portal.conftest import PASSWORD, USER, broadworks_user
from tests.provisioning.engine.test_manners import WORKERS, unfinished
from tests.provisioning.rig import ENTERPRISE, TOKEN, Rig, subscriber

#: Seconds that a call may take here, and how long a backend takes that takes long.
PATIENCE, LONG = 0.8, 1.2
#: How each kind is ordered, once per user. Retry-After of no seconds: times are shortened here, and
#: whether they are kept is what test_manners.py asks, in true time.
KINDS: dict[str, dict[str, Any]] = {
    "too_many_requests": {"seconds": 0},
    "rate_limit": {"requests_per_minute": 6000, "burst": 1},
    "locked": {"seconds": 0},
    "closed": {"status": 429, "for_seconds": 0.3},
    "server_error": {"status": 500, "effect": True},
    "token_refused": {},
    "scope_lost": {},
    "slow": {"seconds": LONG, "effect": "first"},
    "drop": {"effect": True},
    "black_hole": {"seconds": LONG},
    "late_effect": {"effect_after_seconds": LONG},
    "down": {"form": "html"},
    "gateway": {},
    "html": {},
    "wrong_content_type": {},
    "truncated": {},
    "empty": {},
    "cut_short": {},
    "huge": {"megabytes": 3},
    "gzip_bomb": {"megabytes": 20},
    "drip": {"bytes_per_second": 20},
    "bad_json": {},
    "wrong_schema": {},
    "unknown_status": {},
    "unknown_error": {},
    "contradiction": {},
    "doubled": {},
    "reordered": {},
    "moved_page": {},
    "next_link": {},
    "stale": {},
    "same_time": {},
    "clock": {},
}
#: Further forms of the same kinds, each with an effect of its own on whoever asks "did it happen?".
FORMS: dict[str, dict[str, Any]] = {
    **{name: {"kind": name, **options} for name, options in KINDS.items()},
    "server_error before": {"kind": "server_error", "status": 503},
    "drop before": {"kind": "drop", "effect": False},
    "late_effect drop": {"kind": "late_effect", "form": "drop", "effect_after_seconds": 0.6},
    "html before": {"kind": "html", "effect": False},
    "gateway after": {"kind": "gateway", "status": "403", "form": "json", "effect": True},
    "gateway 400": {"kind": "gateway", "status": "400", "form": "text"},
    "gateway 401": {"kind": "gateway", "status": "401", "form": "empty"},
    "page of rubbish": {"kind": "wrong_schema", "form": "items_of_text"},
    "no id": {"kind": "wrong_schema", "form": "no_id"},
    "no status": {"kind": "wrong_schema", "form": "no_status"},
    "no time": {"kind": "wrong_schema", "form": "no_time"},
    "no items": {"kind": "wrong_schema", "form": "no_items"},
    "clock behind": {"kind": "clock", "seconds": -3600},
    "letter": {"kind": "contradiction", "form": "letter"},
    "deep": {"kind": "bad_json", "form": "deep"},
    "doubled keys": {"kind": "bad_json", "form": "duplicate_keys"},
}
#: A backend that refuses a second subscriber of a key, one that does not, and one that does not
#: take a repeated POST for a retry.
CHARACTERS = {
    "strict": {"unique_key": True, "repeated_post": "retry"},
    "lax": {"unique_key": False, "repeated_post": "retry"},
    "refusing": {"unique_key": True, "repeated_post": "refuse"},
}
#: Seconds until jobs that never end are a failure: where one probe after the other meets a fault,
#: the gate doubles its wait each time.
LONGEST = 120.0
#: What each operation needs of the backend before, and by which call it is made there.
BEFORE = {"renew": "error", "update": "provisioned", "remove": "provisioned"}
CALLS = {"renew": "provision"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls end sooner, as everything of the engine does here."""
    hurried = functools.partial(backend_client.client_for, timeout=Timeout(PATIENCE, PATIENCE))
    monkeypatch.setattr(worker_turn, "client_for", lambda connection, _timeout: hurried(connection))


def world(rig: Rig, *subscribers: dict[str, Any], **settings: Any) -> None:
    """Load subscribers into a backend of this character, which is done at the next question."""
    account = {"token": TOKEN, "name": "Nordictel", "settings": {"time_scale": 0} | settings}
    rig.load(*subscribers, accounts=[account])


@dataclass
class Tried:
    """One user, the job of that user, and what goes wrong."""

    name: str
    job: Job


def user_of(number: int, operation: str) -> str:
    return f"{operation}{number:03d}@nordictel.example"


def begin(rig: Rig, operation: str, user_id: str) -> Job:
    """Ask for what the operation does: a new user, another package, a removal."""
    now = timezone.now()
    if operation == "provision":
        target = outbox.Target(rig.connection, rig.template, ENTERPRISE, user_id)
        names = {"first_name": "F", "last_name": "N", "package": "standard"}
        params = names | {"email": f"new.{user_id}"}
        return outbox.enqueue(JobKind.PROVISION, target, actor=rig.actor, now=now, params=params)
    if operation == "renew":
        row = rig.row(user_id)
        return user_services.retry_activation(row, email=row.email, actor=rig.actor, now=now)
    if operation == "update":
        return user_services.change_package(
            rig.row(user_id), package="premium", actor=rig.actor, now=now
        )
    return user_services.delete_user(rig.row(user_id), actor=rig.actor, now=now)


def work(jobs: list[Job]) -> None:
    """Let workers do what is due, and beat sweep, until every job is final or the time is over."""
    end = time.monotonic() + LONGEST
    with ThreadPoolExecutor(WORKERS) as pool:
        busy: set[Future[int]] = set()
        while time.monotonic() < end and unfinished(jobs):
            busy = {future for future in busy if not future.done()}
            for row in outbox.waiting_connections()[: WORKERS - len(busy)]:
                busy.add(pool.submit(worker_turn.serve, row.pk))
            sweep.run()
            time.sleep(0.03)
        everyone = threading.Barrier(WORKERS)
        list(pool.map(close, [everyone] * WORKERS))
    for job in jobs:
        job.refresh_from_db()


def close(everyone: threading.Barrier) -> None:
    """Each worker closes its own connection."""
    everyone.wait()
    database.close()


def suits(rig: Rig) -> dict[str, set[str]]:
    """Which operations each kind concerns, as the simulator tells."""
    return {
        kind["kind"]: set(kind["operations"])
        for kind in rig.simulator.control("GET", "kinds")["items"]
    }


def strike(rig: Rig, form: str, operation: str, text: str) -> None:
    options = {"seed": "hostile", "times": 1, "contains": text} | FORMS[form]
    rig.simulator.fault(**options, operation=operation)


def truth(rig: Rig) -> dict[str, dict[str, Any]]:
    """What the backend holds, by user."""
    held: dict[str, dict[str, Any]] = {}
    url = f"{rig.simulator.url}/v1/broadworks/subscribers?max=100"
    rig.simulator.control("DELETE", "faults")
    while url:
        path = url.partition("/v1")[2]
        answer = rig.simulator.call("GET", path, TOKEN)
        for item in answer.json()["items"]:
            assert item["userId"] not in held, "the backend holds two of one key"
            held[item["userId"]] = item
        url = answer.links.get("next", {}).get("url", "")
    return held


def disagreement(rig: Rig, operation: str, tried: Tried, held: dict[str, dict[str, Any]]) -> str:
    """Say where a job's end and the backend differ; empty when they agree."""
    job = tried.job
    there = held.get(job.broadworks_id)
    happened = {
        "provision": there is not None and there["status"] == "provisioned",
        "renew": there is not None and there["status"] == "provisioned",
        "update": there is not None and there["package"] == "premium",
        "remove": there is None,
    }[operation]
    call = CALLS.get(operation, operation)
    lines = rig.simulator.requests(operation=call, user_id=job.broadworks_id)
    effects = sum(bool(line["effect"]) for line in lines)
    if job.state not in {"done", "failed"}:
        return f"still {job.state}: {job.result_text}"
    if (job.state == "done") != happened:
        told = (job.state, job.result_code, job.result_text, job.http_status)
        return f"{told}, but at the backend: {there}"
    if job.state == "failed" and not job.result_text:
        return "failed without a word"
    if effects > 1:
        return f"{effects} effects of {len(lines)} requests"
    return ""


def all_differences(rig: Rig, operation: str, all_tried: list[Tried]) -> dict[str, str]:
    held = truth(rig)
    found = {one.name: disagreement(rig, operation, one, held) for one in all_tried}
    return {name: words for name, words in found.items() if words}


def given(rig: Rig, operation: str, count: int, character: str) -> list[str]:
    """So many users, whom Webex has already unless they are to be made; returns their IDs."""
    users = [user_of(number, operation) for number in range(count)]
    there = [
        subscriber(user, BEFORE[operation], package="standard", changed_seconds_ago=60)
        for user in users
        if operation in BEFORE
    ]
    world(rig, *there, **CHARACTERS[character])
    if character == "refusing":
        BackendConnection.objects.update(retry_by=RetryBy.DELETE_THEN_POST)
    rig.sync()
    return users


@pytest.mark.parametrize(
    ("operation", "character"),
    [
        ("provision", "lax"),
        pytest.param("renew", "strict", marks=pytest.mark.long),
        ("renew", "refusing"),
        pytest.param("update", "strict", marks=pytest.mark.long),
        ("remove", "lax"),
    ],
)
def test_any_fault_of_a_change_ends_as_the_backend_has_it(rig: Rig, operation, character):
    kinds, call = suits(rig), CALLS.get(operation, operation)
    forms = [form for form in FORMS if call in kinds[FORMS[form]["kind"]]]
    all_tried = []
    for form, user in zip(forms, given(rig, operation, len(forms), character), strict=True):
        job = begin(rig, operation, user)
        strike(rig, form, call, name_in(call, job))
        all_tried.append(Tried(form, job))

    work([one.job for one in all_tried])

    assert all_differences(rig, operation, all_tried) == {}


@pytest.mark.parametrize(
    ("operation", "arrived"),
    [
        ("provision", True),
        pytest.param("renew", False, marks=pytest.mark.long),
        pytest.param("update", True, marks=pytest.mark.long),
        ("remove", False),
    ],
)
def test_any_fault_of_the_question_what_became_of_it_doubles_nothing(rig: Rig, operation, arrived):
    kinds, call = suits(rig), CALLS.get(operation, operation)
    # Without unique keys a repeated POST for a user who exists makes another, by its character.
    character = "strict" if operation == "renew" else "lax"
    question = "list" if call == "provision" else "get"
    forms = [form for form in FORMS if question in kinds[FORMS[form]["kind"]]]
    all_tried = []
    for form, user in zip(forms, given(rig, operation, len(forms), character), strict=True):
        job = begin(rig, operation, user)
        lost = {"kind": "drop", "effect": arrived, "times": 1, "operation": call}
        rig.simulator.fault(**lost, contains=name_in(call, job))
        strike(rig, form, question, name_in(call, job).replace("@", "%40"))
        all_tried.append(Tried(form, job))

    work([one.job for one in all_tried])

    assert all_differences(rig, operation, all_tried) == {}


def name_in(call: str, job: Job) -> str:
    """What tells this user's requests from others': in a body, or in an address."""
    return job.broadworks_id if call == "provision" else job.params["webex_id"]


def test_every_kind_of_fault_is_tried_here(rig: Rig):
    assert set(KINDS) == set(suits(rig))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "truncated"},
        {"kind": "cut_short"},
        {"kind": "huge", "megabytes": 3},
        {"kind": "gzip_bomb", "megabytes": 20},
        {"kind": "drip", "bytes_per_second": 20},
        {"kind": "black_hole", "seconds": LONG},
        {"kind": "drop"},
        {"kind": "server_error"},
        {"kind": "down", "form": "html"},
        {"kind": "gateway", "status": "any", "form": "any"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_login_that_came_to_nothing_ends_in_time_and_is_not_repeated(
    rig: Rig, monkeypatch, fault
):
    monkeypatch.setattr(portal_login, "XSI_SECONDS", PATIENCE)
    world(rig)
    rig.load(broadworks_users=[broadworks_user()])
    rig.simulator.fault(**fault, operation="login")
    began = time.monotonic()

    with pytest.raises(PortalRefused) as refused:
        portal_login.check(Login(rig.template, USER, "192.0.2.1"), PASSWORD)

    assert refused.value.code == "PH-LOGIN-AWAY"
    assert time.monotonic() - began < 60
    assert len(rig.simulator.requests(operation="login")) == 1


def test_a_login_is_given_five_seconds():
    assert portal_login.XSI_SECONDS == 5.0
