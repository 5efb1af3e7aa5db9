"""The clients: threads that act on users as administrators do, and write down what they saw."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, connection, connections
from django.utils import timezone

from chaos.browsing import Browser, NoAnswer, TryLater
from chaos.history import Entry, History
from chaos.world import Person, World
from provisioning.jobs import user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job, Subscriber

#: Not now, but soon: an unfinished job, a backend at work, a row that sync has not brought yet, or
#: one that changed between reading it and asking; then another package is chosen.
LATER = {"busy", "wrong_status", "no_subscriber", "same_package"}
STORIES = {
    "error": [["retry"], ["retry", "package"], ["delete"], ["package"], ["retry", "delete"]],
    "provisioned": [["package"], ["delete"], ["package", "package"], ["package", "delete"]],
}
#: Of actions that never were accepted, how many the notes name.
EXAMPLES = 5
PACKAGES = ("softphone", "basic", "standard", "premium")


@dataclass
class Part:
    """What shall happen to one user, in this order."""

    person: Person
    kinds: list[str]
    seed: int
    number: int = 0
    not_before: float = 0.0

    @property
    def submission(self) -> uuid.UUID:
        """What the form of this action would bear, however often it is sent."""
        luck = random.Random(f"{self.seed} {self.person.user_id} {self.number}")
        return uuid.UUID(int=luck.getrandbits(128), version=4)


def parts(world: World, seed: int, actions: int, *, once: bool = False) -> list[Part]:
    """Draw a story for each user until there are so many actions; `once`: only its first act."""
    luck = random.Random(f"load {seed}")
    people = list(world.people)
    luck.shuffle(people)
    found: list[Part] = []
    left = actions
    for person in people:
        if left <= 0:
            break
        kinds = luck.choice(STORIES[person.status])[: 1 if once else left]
        found.append(Part(person, list(kinds), seed))
        left -= len(kinds)
    return found


class Load:
    """Some clients at work, each with users of its own so that their order is its order.

    They call the product's services, or, with the address of a web server, send it forms.
    """

    def __init__(
        self, world: World, history: History, todo: list[Part], *, clients: int, url: str = ""
    ) -> None:
        self.world, self.history = world, history
        self._browsers = {
            name: Browser(url, actor.user) for name, actor in world.actors.items() if actor.user
        } if url else {}  # fmt: skip
        self.pause = 0.0
        self.meanwhile: Callable[[], None] = lambda: None
        self.give_up_at = float("inf")
        self._todo = todo
        self._threads = [
            threading.Thread(target=self._work, args=[todo[n::clients]], daemon=True)
            for n in range(clients)
        ]
        self.problems: list[str] = []

    def start(self, *, per_second: float = 0.0, seconds: float = 120.0) -> None:
        """Begin; `per_second` limits all clients together, `seconds` when they stop trying."""
        self.pause = len(self._threads) / per_second if per_second else 0.0
        self.give_up_at = time.monotonic() + seconds
        for thread in self._threads:
            thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether all clients have ended."""
        return not any(thread.is_alive() for thread in self._threads)

    def notes(self) -> list[str]:
        """Tell which actions never were accepted: a clear no, or no time left to try again."""
        never = {
            "refused": [
                f"{one.kind} of {one.user} ({one.detail})"
                for one in self.history.entries
                if one.outcome == "refused"
            ],
            "given up": [
                f"{part.kinds[0]} of {part.person.user_id}" for part in self._todo if part.kinds
            ],
        }
        return [
            f"{len(found)} {what}: {', '.join(found[:EXAMPLES])}"
            for what, found in never.items()
            if found
        ]

    def wait(self) -> None:
        """Wait for all clients, and do `meanwhile` again and again."""
        while not self.is_over:
            self.meanwhile()
            time.sleep(0.05)

    def _work(self, mine: list[Part]) -> None:
        try:
            while mine and time.monotonic() < self.give_up_at:
                self._round(mine)
        except Exception as error:  # noqa: BLE001 - a client that breaks must not go unseen
            self.problems.append(f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    def _round(self, mine: list[Part]) -> None:
        """Try each user once; those who are through go."""
        for part in list(mine):
            if time.monotonic() < part.not_before:
                continue
            if self._act(part):
                part.kinds.pop(0)
                part.number += 1
                time.sleep(self.pause)
            part.not_before = time.monotonic() + 0.2
            if not part.kinds:
                mine.remove(part)
        time.sleep(0.01)

    def _act(self, part: Part) -> bool:
        """Try the user's next action; True when it needs no further try."""
        began, clock = time.time(), time.monotonic()
        outcome, job, detail = "unclear", "", ""
        try:
            job = self._send(part) if self._browsers else str(self._submit(part).uuid)
            outcome = "accepted"
        except ActionRefused as refusal:
            outcome, detail = "refused", refusal.code
        except TryLater:
            detail = "busy"
        except Subscriber.DoesNotExist:
            outcome, detail = "refused", "gone"
        except NoAnswer as error:
            detail = str(error)
        except DatabaseError as error:
            detail = type(error).__name__
            connection.close()
        later = detail in LATER or outcome == "unclear"
        if detail not in LATER:  # asking again until the row is free is no action
            took = time.monotonic() - clock
            user, submission = part.person.user_id, str(part.submission)
            self.history.add(
                Entry(began, took, outcome, part.kinds[0], user, submission, job, detail)
            )
        return not later

    def _send(self, part: Part) -> str:
        """Send the form; a page does not tell which job it made."""
        row, kind = _row_of(part), part.kinds[0]
        fields = {"submission_id": str(part.submission)}
        if kind == "retry":
            fields["email"] = _address(part)
        if kind == "package":
            fields["package"] = _other_package(row, part)
        self._browsers[part.person.tenant].send(f"/users/{row.uuid}/{kind}/", fields)
        return ""

    def _submit(self, part: Part) -> Job:
        row, kind = _row_of(part), part.kinds[0]
        common = {
            "actor": self.world.actors[part.person.tenant],
            "now": timezone.now(),
            "submission_id": part.submission,
        }
        return ACTIONS[kind](row, part, common)


def _row_of(part: Part) -> Subscriber:
    rows = Subscriber.objects.live().filter(broadworks_id=part.person.user_id)
    row: Subscriber | None = rows.order_by("pk").last()  # twins: where the backend allows them
    if row is None:
        raise Subscriber.DoesNotExist
    return row


def _address(part: Part) -> str:
    return f"r{part.submission.hex[:12]}@{part.person.tenant.lower()}.example"


def _other_package(row: Subscriber, part: Part) -> str:
    others = [package for package in PACKAGES if package != row.package]
    return others[part.submission.int % len(others)]


def _retry(row: Subscriber, part: Part, common: dict[str, object]) -> Job:
    return user_services.retry_activation(row, email=_address(part), **common)  # type: ignore[arg-type]


def _delete(row: Subscriber, part: Part, common: dict[str, object]) -> Job:
    return user_services.delete_user(row, **common)  # type: ignore[arg-type]


def _package(row: Subscriber, part: Part, common: dict[str, object]) -> Job:
    package = _other_package(row, part)
    return user_services.change_package(row, package=package, **common)  # type: ignore[arg-type]


ACTIONS: dict[str, Callable[[Subscriber, Part, dict[str, object]], Job]] = {
    "retry": _retry,
    "delete": _delete,
    "package": _package,
}
