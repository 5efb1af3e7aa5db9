"""A backend in memory, for the state machine: what Webex holds, and every way an answer goes wrong.

Before it does anything it looks, over a connection of its own, whether the intent of the request
is committed (I5); it counts effects per job (I3) and keeps every status that there was (I7).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from provisioning.states import Status
from tests.provisioning.committed import Intents
from webex.errors import (
    Conflict,
    Facts,
    Forbidden,
    Locked,
    NotFound,
    NotSent,
    Refused,
    Throttled,
    TokenRefused,
    Unknown,
)
from webex.payloads import Page, ProvisionRequest, RemoteError, RemoteSubscriber, body_hash

BUSY = {Status.PROVISIONING, Status.UPDATING}
#: The backend's own worst case: an effect comes so long after its request (< QUIET_SECONDS).
LATE = timedelta(seconds=80)


class Killed(BaseException):
    """The worker is dead: nothing that it would have done next happens."""


#: What goes wrong with a change: does it take effect (now, late, never), and what the client meets.
FAULTS: dict[str, tuple[str, Callable[[], BaseException]]] = {
    "refused_connection": ("never", lambda: NotSent("refused")),
    "429": ("never", lambda: Throttled("http", Facts(429), retry_after=30)),
    "423": ("never", lambda: Locked("http", Facts(423), retry_after=10)),
    "401": ("never", lambda: TokenRefused("http", Facts(401))),
    "403": ("never", lambda: Forbidden("http", Facts(403))),
    "409": ("never", lambda: Conflict("http", Facts(409, "10022"))),
    "400": ("never", lambda: Refused("http", Facts(400, "1001"))),
    "500_before": ("never", lambda: Unknown("http", Facts(500))),
    "500_after": ("now", lambda: Unknown("http", Facts(500))),
    "503_wait": ("never", lambda: Unknown("http", Facts(503), retry_after=20)),
    "504_late": ("late", lambda: Unknown("http", Facts(504))),
    "never_arrived": ("never", lambda: Unknown("timeout")),
    "lost_answer": ("now", lambda: Unknown("reset")),
    "late_effect": ("late", lambda: Unknown("timeout")),
    "garbage": ("now", lambda: Unknown("garbage", Facts(200))),
    "killed_before": ("never", lambda: Killed("before")),
    "killed_after": ("now", lambda: Killed("after")),
    "killed_under_way": ("late", lambda: Killed("under way")),
}
#: Those that a question can meet: none of them tells anything of what was asked.
OF_QUESTIONS = [
    "refused_connection", "429", "401", "403", "400", "500_before", "never_arrived", "garbage",
    "killed_before",
]  # fmt: skip
#: A refusal that nobody can mistake: the change has not happened and never will.
CLEAR_NO = {"403", "400"}


@dataclass
class World:
    """All that the backend holds. Its methods are called by one thread at a time (`lock`)."""

    now: Callable[[], datetime]
    unique_key: bool = True
    #: How long it is at work; None: until it is told that it ends.
    seconds: float | None = None
    held: dict[str, RemoteSubscriber] = field(default_factory=dict)
    #: Of every subscriber that there ever was: (lastStatusChange, status), oldest first.
    past: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    goals: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    question_faults: list[str] = field(default_factory=list)
    effects: dict[tuple[int, str], int] = field(default_factory=lambda: defaultdict(int))
    late: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    lock: threading.RLock = field(default_factory=threading.RLock)

    # ---- What changes by itself, or by other hands ----

    def catch_up(self) -> None:
        """Let everything take effect whose time has come."""
        due = [effect for at, effect in self.late if at <= self.now()]
        self.late = [(at, effect) for at, effect in self.late if at > self.now()]
        for effect in due:
            effect()
        if self.seconds is not None:
            since = self.now() - timedelta(seconds=self.seconds)
            for held in list(self.held.values()):
                if held.status in BUSY and held.last_status_change <= since:
                    self._finish(held, Status.PROVISIONED)

    def put(self, remote: RemoteSubscriber, status: str, **changes: Any) -> RemoteSubscriber:
        """A change of status, with its time."""
        at = self.now()
        made = replace(remote, status=status, last_status_change=at, **changes)
        self.held[made.id] = made
        self.past[made.id].append((at, status))
        return made

    def finish(self, user_id: str, outcome: str) -> None:
        """What is under way for a user ends: provisioned, or with an error."""
        for remote in self.of(user_id):
            if remote.status in BUSY:
                self._finish(remote, outcome)

    def _finish(self, remote: RemoteSubscriber, outcome: str) -> None:
        errors = () if outcome == Status.PROVISIONED else (RemoteError("200048", "taken"),)
        self.put(remote, outcome, errors=errors, **self.goals.pop(remote.id, {}))

    def of(self, user_id: str) -> list[RemoteSubscriber]:
        return [held for held in self.held.values() if held.user_id == user_id]

    # ---- The changes that a client may ask for; each returns what it would answer ----

    def provision(self, request: ProvisionRequest) -> RemoteSubscriber:
        mine = self.of(request.user_id) if self.unique_key else []
        if mine and mine[0].status in BUSY | {Status.PROVISIONED}:
            raise Conflict("http", Facts(409, "10022", "exists"))
        known = mine[0] if mine else self._newcomer(request)
        return self.put(
            known, Status.PROVISIONING, email=request.email, package=request.package, errors=()
        )

    def _newcomer(self, request: ProvisionRequest) -> RemoteSubscriber:
        return RemoteSubscriber(
            id=f"webex-{next(self.numbers)}",
            user_id=request.user_id,
            status="",
            sp_enterprise_id=request.sp_enterprise_id,
            provisioning_id=request.provisioning_id,
            first_name=request.first_name,
            last_name=request.last_name,
            created=self.now(),
        )

    def update(self, subscriber_id: str, package: str) -> RemoteSubscriber:
        known = self.get(subscriber_id)
        if known.status in BUSY:
            raise Conflict("http", Facts(409))
        if known.status == Status.PROVISIONED:
            self.goals[known.id] = {"package": package}
            return self.put(known, Status.UPDATING)
        self.held[known.id] = replace(known, package=package)
        return self.held[known.id]

    def remove(self, subscriber_id: str) -> None:
        self.get(subscriber_id)
        del self.held[subscriber_id]

    def get(self, subscriber_id: str) -> RemoteSubscriber:
        if subscriber_id not in self.held:
            raise NotFound("http", Facts(404))
        return self.held[subscriber_id]


class Client:
    """What the engine takes for webex.client.WebexClient."""

    def __init__(self, world: World, intents: Intents) -> None:
        self.world, self.intents = world, intents

    def provision(self, request: ProvisionRequest) -> RemoteSubscriber:
        body = body_hash(request.to_json())
        return self._change(request.user_id, "post", body, lambda: self.world.provision(request))

    def update(self, subscriber_id: str, **changes: Any) -> RemoteSubscriber:
        return self._change(
            self._user_of(subscriber_id),
            "put",
            body_hash(changes),
            lambda: self.world.update(subscriber_id, changes["package"]),
        )

    def remove(self, subscriber_id: str) -> None:
        self._change(
            self._user_of(subscriber_id),
            "delete",
            body_hash(None),
            lambda: self.world.remove(subscriber_id),
        )

    def get_subscriber(self, subscriber_id: str) -> RemoteSubscriber:
        return self._answer(lambda: self.world.get(subscriber_id))

    def find_subscribers(
        self, provisioning_id: str, user_id: str, sp_enterprise_id: str | None = None
    ) -> list[RemoteSubscriber]:
        return self._answer(lambda: self.world.of(user_id))

    def list_subscribers(
        self, provisioning_id: str, *, changed_after: datetime | None = None, **_: Any
    ) -> Iterator[Page]:
        yield Page(1, tuple(self._answer(lambda: self._changed(changed_after))), skipped=0)

    def _changed(self, after: datetime | None) -> list[RemoteSubscriber]:
        newest = sorted(
            self.world.held.values(), key=lambda held: held.last_status_change, reverse=True
        )
        return [held for held in newest if after is None or held.last_status_change > after]

    def _user_of(self, subscriber_id: str) -> str:
        """Also of one that is gone: the key of faults, and of what is told when it goes wrong."""
        held = self.world.held.get(subscriber_id)
        return held.user_id if held else self.intents.user_of(subscriber_id)

    def _answer(self, question: Callable[[], Any]) -> Any:
        with self.world.lock:
            self.world.catch_up()
            if self.world.question_faults:
                raise FAULTS[self.world.question_faults.pop(0)][1]()
            return question()

    def _change(self, user_id: str, step: str, body: str, act: Callable[[], Any]) -> Any:
        with self.world.lock:
            self.world.catch_up()
            intent = self.intents.of(user_id)
            if intent is None or (intent.step, intent.body_hash) != (step, body):
                self.world.breaches.append(f"I5: {step} of {user_id} without its intent: {intent}")
            key = (intent.job_id if intent else 0, step)
            waiting = self.world.faults[user_id]
            when, error = FAULTS[waiting.pop(0)] if waiting else ("now", None)
            return self._meet(when, error, lambda: self._effect(key, act))

    def _meet(
        self, when: str, error: Callable[[], BaseException] | None, effect: Callable[[], Any]
    ) -> Any:
        if when == "late":
            self.world.late.append((self.world.now() + LATE, lambda: _quietly(effect)))
        if error is None:
            return effect()
        if when == "now":
            _quietly(effect)
        raise error()

    def _effect(self, key: tuple[int, str], act: Callable[[], Any]) -> Any:
        answer = act()
        self.world.effects[key] += 1
        return answer


def _quietly(effect: Callable[[], Any]) -> None:
    """The client does not hear what became of it."""
    with suppress(Conflict, NotFound):
        effect()
