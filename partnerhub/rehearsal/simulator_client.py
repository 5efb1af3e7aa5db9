"""A client of the simulator's control API (simulator/README.md): one function per question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from common import http
from partnerhub.rehearsal.simulator_types import Kind, Loaded, Running, Scenario
from partnerhub.rehearsal.verdict import Line, Verdict

Json = dict[str, Any]
Found = TypeVar("Found")
#: Seconds a page waits for an answer, and what loading a scenario may take.
SOON, LATE = 3.0, 60.0
#: Milliseconds after a Retry-After was sent in which other workers' requests are still on the way.
UNDER_WAY_MS = 400


class Away(Exception):
    """No usable answer; `reason` is one word. `maybe_done`: what was asked may have happened."""

    def __init__(self, reason: str, *, maybe_done: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.maybe_done = reason, maybe_done


class Refused(Exception):
    """The simulator says no; the message is its own, in English. Nothing happened."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def is_configured() -> bool:
    """Tell whether there is a simulator that may be steered from here."""
    return bool(settings.SIMULATOR_URL and settings.SIMULATOR_CONTROL_TOKEN)


def running() -> Running:
    """What goes wrong on purpose now; raises Away or Refused, as all functions here."""
    return _read(Running.of, _call("GET", "rehearsal"))


def end() -> None:
    """Make everything right again; the data stay."""
    _call("DELETE", "rehearsal")


def kinds() -> list[Kind]:
    """Everything that can go wrong."""
    return _read(_items(Kind.of), _call("GET", "kinds"))


def add_fault(fault: Json) -> int:
    """Make something go wrong; returns its number."""
    return _read(lambda answer: int(answer["id"]), _call("POST", "faults", fault))


def stop_fault(fault_id: int) -> None:
    """Stop one fault; one that is over already is no error."""
    try:
        _call("DELETE", f"faults/{fault_id}")
    except Refused as refused:
        if refused.status != 404:
            raise


def scenarios() -> list[Scenario]:
    """The stories that can be loaded."""
    return _read(_items(Scenario.of), _call("GET", "scenarios"))


@sensitive_variables()
def load_scenario(name: str, body: Json) -> Loaded:
    """Load a scenario into an account: `token`, `provisioning_id`, optional `seed` and `pace`."""
    path = f"scenarios/{quote(name, safe='')}"
    return _read(Loaded.of, _call("POST", path, body, seconds=LATE))


def judge() -> Verdict:
    """What was done to the backend that should not have been."""
    return _read(Verdict.of, _call("GET", f"judge?grace_ms={UNDER_WAY_MS}"))


def last_requests(most: int) -> list[Line]:
    """The newest lines of the request log, newest first."""
    query = urlencode({"newest": "true", "limit": most})
    return _read(_items(Line.of), _call("GET", f"requests?{query}"))


def whole_log(operation: str) -> Iterator[Json]:
    """Every line of this run's log with an operation, oldest first, as it is told."""
    after = 0
    while True:
        query = urlencode({"operation": operation, "after": after})
        items = _read(_items(dict), _call("GET", f"requests?{query}", seconds=LATE))
        yield from items
        if not items:
            return
        after = int(items[-1]["id"])


def _items(read: Callable[[Json], Found]) -> Callable[[Json], list[Found]]:
    return lambda answer: [read(item) for item in answer["items"]]


def _read(read: Callable[[Json], Found], answer: Json) -> Found:
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Away("unreadable", maybe_done=True) from error


@sensitive_variables()
def _call(
    method: str, path: str, body: Mapping[str, Any] | None = None, seconds: float = SOON
) -> Json:
    headers = {"Authorization": f"Bearer {settings.SIMULATOR_CONTROL_TOKEN}"}
    content = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(body).encode()
    request = http.Request(method, f"{settings.SIMULATOR_URL}/_control/{path}", headers, content)
    timeout = http.Timeout(connect=1.0, total=seconds)
    try:
        answer = http.call(request, timeout=timeout, trusted_hosts=settings.BACKEND_HOSTS)
    except http.NotConnected as error:
        raise Away(error.reason) from error
    except http.CallFailed as error:
        raise Away(error.reason, maybe_done=True) from error
    return _content(answer)


def _content(answer: http.Answer) -> Json:
    try:
        content = json.loads(answer.body)
    except ValueError as error:
        raise Away(f"HTTP {answer.status}", maybe_done=True) from error
    if not isinstance(content, dict):
        raise Away("unreadable", maybe_done=True)
    if answer.status >= 500:
        raise Away(f"HTTP {answer.status}", maybe_done=True)
    if answer.status != 200:
        raise Refused(answer.status, str(content.get("message", ""))[:500])
    return content
