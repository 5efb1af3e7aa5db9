"""The bad night at the backend: what goes wrong, and that it can be replayed."""

from __future__ import annotations

from typing import Any

import requests

from tests.simulator.conftest import TOKEN, Api, the_cast
from tests.simulator.playing import body_of, everybody, play
from tests.simulator_process import SimulatorProcess

Line = tuple[str, str, str, int, str]


def ask(simulator: SimulatorProcess, method: str, **options: Any) -> str:
    """Ask for subscribers on a connection of its own; returns what the client sees."""
    url = f"{simulator.url}/v1/broadworks/subscribers"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        answer = requests.request(method, url, headers=headers, timeout=30, **options)
    except requests.RequestException:
        return "lost"
    is_html = "html" in answer.headers.get("Content-Type", "")
    return f"{answer.status_code}{' html' if is_html else ''}"


def a_retry(user: dict[str, Any]) -> dict[str, Any]:
    return body_of(user, email=f"{user['userId'].partition('@')[0]}@new.example")


def the_night(simulator: SimulatorProcess, seed: str) -> tuple[list[str], list[Line]]:
    """Live through ten minutes, always alike; returns what was seen and what the log says."""
    simulator.reset()
    simulator.load(the_cast())
    play(simulator, "bad-night", seed=seed)
    found = everybody(Api(simulator), status="error")
    users = sorted(found, key=lambda user: user["userId"])
    seen = []
    for _ in range(10):
        for user in users[:6]:
            seen.append(ask(simulator, "GET", params={"userId": user["userId"]}))
            seen.append(ask(simulator, "POST", json=a_retry(user)))
        simulator.advance(60)
    return seen, [line_of(entry) for entry in simulator.requests()]


def line_of(entry: dict[str, Any]) -> Line:
    _, _, fault = entry["fault"].partition(" ")  # without its number, which is new each time
    return entry["method"], entry["operation"], entry["user_id"], entry["status"], fault


def test_the_same_seed_and_requests_give_the_same_night(simulator: SimulatorProcess):
    first = the_night(simulator, "one")
    again = the_night(simulator, "one")
    other = the_night(simulator, "two")

    assert again == first
    assert other != first


def test_the_night_has_every_trouble_and_an_end(simulator: SimulatorProcess):
    seen, lines = the_night(simulator, "one")

    assert {"200", "429", "500", "502 html", "503", "lost"} <= set(seen)
    kinds = {fault.partition(" ")[0] for *_, fault in lines}
    wanted = {"too_many_requests", "server_error", "drop", "html", "down", "clock"}
    assert wanted <= kinds
    assert ask(simulator, "GET") == "200"
    assert len(everybody(Api(simulator))) == 60


def test_the_login_is_down_with_the_rest(simulator: SimulatorProcess):
    (first, *_) = play(simulator, "bad-night")["logins"]
    before = simulator.login(first["user_id"], first["password"]).status_code

    simulator.advance(270)
    during = simulator.login(first["user_id"], first["password"]).status_code
    simulator.advance(60)
    after = simulator.login(first["user_id"], first["password"]).status_code

    assert (before, during, after) == (200, 502, 200)
