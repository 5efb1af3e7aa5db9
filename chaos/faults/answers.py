"""The backend: refusals, answers that are lost, late or nonsense, outages."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from chaos.backend import Json
from chaos.faults.base import fault
from chaos.run import CALL_SECONDS, Run, chosen
from chaos.world import TENANTS
from provisioning.models import Job

#: Forms of Retry-After that say nothing: what the product then waits is its own guess.
RUBBISH = ("absent", "zero", "negative", "decimal", "text", "past_date", "malformed_date", "empty")
WAIT_SECONDS = 3
#: What the backend allows each token in F10, and how much of that must be used.
REQUESTS_PER_MINUTE, BURST = 600, 40
USED, USED_BESIDE_TESTS = 0.9, 0.7
#: On a machine that has too much to do, a request that was begun in time may be that late.
GRACE_MS = 1000


@fault("F10", "429 with Retry-After in every form")
def throttled(run: Run) -> None:
    """The backend allows 10 requests a second, and now and then closes for 3 s, in every form.

    No request comes before its time, from any of the six processes, and 90 % of what was
    allowed is used.
    """
    actions = chosen(120, 600, run.options)
    limits: Json = {"requests_per_minute": REQUESTS_PER_MINUTE, "burst": BURST}
    run.begin(users={TENANTS[0]: actions}, settings=limits)
    run.world.set_connections(requests_per_minute=REQUESTS_PER_MINUTE)
    run.grace_ms = GRACE_MS
    for form in ("seconds", "date"):
        _refuse(run, form, hold=True, probability=0.01)
    for form in run.luck.sample(RUBBISH, chosen(3, len(RUBBISH), run.options)):
        _refuse(run, form, times=1, probability=0.05)
    run.act(actions, once=True).wait()
    run.settle(180)
    used, refused = _used(run)
    run.require(refused >= 5, f"{refused} requests were answered 429")
    least = USED_BESIDE_TESTS if run.options.smoke else USED
    run.require(used >= least, f"{used:.0%} of what the backend allowed was used")
    ahead = _ahead_of_the_gate(run)
    run.require(not ahead, f"{ahead} jobs were claimed though their worker knew better")


def _refuse(run: Run, form: str, **more: Any) -> None:
    seed = f"{run.options.seed} {form}"
    run.backend.fault("too_many_requests", form=form, seconds=WAIT_SECONDS, seed=seed, **more)


def _ahead_of_the_gate(run: Run) -> int:
    """How many jobs any process claimed after one had told the gate to be closed, before its time.

    Unlike the backend's judge, which sees requests when they arrive, this takes no grace.
    """
    passages = run.passages()
    told = [(one["t"], one["until"]) for one in passages if one["step"] == "told"]
    claims = [one["t"] for one in passages if one["step"] == "claimed"]
    return sum(any(begin < at < end for begin, end in told) for at in claims)


def _used(run: Run) -> tuple[float, int]:
    """Return the share of the allowed requests that were made while there was a backlog, and how
    many were refused.

    Nothing is allowed while a worker knows of a wait, be it the backend's or, for want of a
    readable one, its own guess.
    """
    log = run.backend.log()
    changes = [line for line in log if line["operation"] in {"provision", "update", "remove"}]
    begin, end = _at(changes[0]), _at(changes[-1])
    span = [line for line in log if begin <= _at(line) <= end]
    refused = sum(line["status"] == 429 for line in span)
    told = [(one["t"], one["until"]) for one in run.passages() if one["step"] == "told"]
    allowed = (end - begin - _covered(told, end)) * REQUESTS_PER_MINUTE / 60
    return (len(span) - refused) / allowed, refused


def _covered(spans: list[tuple[float, float]], end: float) -> float:
    """How much of a time any of the spans covers."""
    total, reached = 0.0, 0.0
    for first, last in sorted(spans):
        first, last = max(first, reached), min(last, end)
        total += max(0.0, last - first)
        reached = max(reached, last)
    return total


def _at(line: Json) -> float:
    return datetime.fromisoformat(line["at"]).timestamp()


@fault("F31", "a gateway answers in the backend's place")
def gateway(run: Run) -> None:
    """A third of all requests, questions as well, is answered by something before the backend: 404,
    403, 400 and the like, as a page, as JSON, as a line; half of them took effect.

    None of it may be taken for the backend's word: no job fails by it, and no user is gone by it.
    """
    actions = chosen(100, 600, run.options)
    run.begin(users=actions)
    for number, effect in enumerate((False, True)):
        run.backend.fault(
            "gateway",
            status="any",
            form="any",
            effect=effect,
            operation="provision,update,remove,get,list",
            probability=1 / 6,
            seed=f"{run.options.seed} {number}",
        )
    run.act(actions, per_second=20).wait()
    struck = sum(bool(line["fault"]) for line in run.backend.log())
    run.require(struck >= actions // 6, f"{struck} requests were struck")
    run.backend.heal()
    run.settle(240)
    failed = list(Job.objects.filter(state="failed").values_list("result_code", flat=True))
    run.require(not failed, f"{len(failed)} jobs failed by it {failed[:3]}")


@fault("F13", "answers lost after the effect, effects that come late", smoke=True)
def answers_lost(run: Run) -> None:
    """A fifth of all changes is not answered though it took effect; a tenth takes effect late.

    Late: after up to twice the time that the client waits. Nothing may be done twice.
    """
    actions = chosen(100, 600, run.options)
    late = CALL_SECONDS * run.options.scale * 2
    run.begin(users=actions)
    changes = {"operation": "provision,update,remove", "seed": str(run.options.seed)}
    run.backend.fault("drop", effect=True, probability=0.2, **changes)
    run.backend.fault("late_effect", form="any", effect_after_seconds=late / 2, probability=0.05,
                      **changes)  # fmt: skip
    run.backend.fault("late_effect", form="any", effect_after_seconds=late, probability=0.05,
                      **changes)  # fmt: skip
    run.act(actions, per_second=20).wait()
    struck = sum(bool(line["fault"]) for line in run.backend.log())
    run.require(struck >= actions // 6, f"{struck} requests were struck")
    run.backend.heal()
    time.sleep(late)  # the judge may be asked once no request hangs any more
    run.settle(120)
