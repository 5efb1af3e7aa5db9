"""What operations do, and what happens to processes that tick: restarts, beats, wrong clocks."""

from __future__ import annotations

import signal
import time
from datetime import datetime
from typing import Any

from chaos import set_clock, steps
from chaos.faults.base import fault
from chaos.options import SYNC_SECONDS
from chaos.run import Run
from chaos.world import TENANTS, user_id
from provisioning.models import Job, JobEvent

#: A deploy waits so long for a worker to end by itself.
EXIT_SECONDS = 35.0
WRONG_BY = 600.0
HOUR = 3600.0
#: How many syncs a set clock is watched for.
JUMP_TICKS = 6
POISONED = {"PH-POISON", "PH-UNCLEAR"}


@fault("F16", "workers whose clocks are ten minutes wrong")
def clocks_wrong(run: Run) -> None:
    """One worker is ten minutes ahead, one ten minutes behind, and children die meanwhile.

    Only PostgreSQL's clock counts: no job is given away too early or too late. (The backend's
    clock is tried by tests/provisioning/sync/test_hostile_sync.py.)
    """
    rules = tuple(steps.Rule(step, "kill", chance=0.04) for step in steps.STEPS)
    run.begin(users=300, rules=rules, clocks=(WRONG_BY, -WRONG_BY))
    run.act(300, per_second=15)
    run.settle(120)


@fault("F18", "two beats, a dead beat, a beat that comes back")
def beats(run: Run) -> None:
    """Two beats at once, then none for 20 s while one stands still, then both at once again.

    Two beats may do twice what one does, and no more; of the ticks that were missed or piled up
    one is made up for.
    """
    run.begin(users=200)
    clients = run.act(200, per_second=5, once=True)
    second = run.another_beat()
    second.start()
    both = run.tell("two beats")
    time.sleep(15)
    _check_lists(run, both, time.time())
    if run.beat:
        run.beat.signal(signal.SIGSTOP)
    second.kill()
    run.tell("one beat paused, one dead")
    time.sleep(20)
    if run.beat:
        run.beat.signal(signal.SIGCONT)
    back = run.tell("the paused one goes on")
    second.start()
    time.sleep(10)
    _check_lists(run, back, time.time())
    clients.wait()
    run.settle(120)


@fault("F32", "the clocks of beat and workers put back and forth by an hour")
def clocks_jump(run: Run) -> None:
    """While users act the wall clocks of beat and of all workers are put back by an hour, then
    forth by two, then right. Beat ticks on: as many lists are read as before.
    """
    run.begin(users=200)
    clock = run.folder / "clock"
    clock.write_text("0")
    for child in run.supervised:
        child.stop()
        child.environment = dict(child.environment) | {set_clock.VARIABLE: str(clock)}
        python, option, *module = child.command
        child.command = [python, option, "chaos.set_clock", *module]
        child.start()
    clients = run.act(240, per_second=4, once=True)
    for wrong_by in (-HOUR, HOUR, 0.0):
        clock.write_text(str(wrong_by))
        began = run.tell("the clocks are wrong by", f"{wrong_by:.0f} s")
        time.sleep(SYNC_SECONDS * JUMP_TICKS)
        _check_ticks(run, began, time.time())
    clients.wait()
    run.settle(120)


def _check_ticks(run: Run, begin: float, end: float) -> None:
    """At least two thirds of the lists that one beat has read in this time."""
    expected = (end - begin) / SYNC_SECONDS * len(run.world.connections)
    read = len(_lists(run, begin, end))
    words = f"{read} lists in {end - begin:.0f} s; one beat has {expected:.0f} read"
    run.require(read >= expected * 2 / 3, words)


def _lists(run: Run, begin: float, end: float) -> list[Any]:
    return [line for line in run.backend.log() if line["operation"] == "list"
            and begin < datetime.fromisoformat(line["at"]).timestamp() < end]  # fmt: skip


def _check_lists(run: Run, begin: float, end: float) -> None:
    """No more lists were read than two beats ask for: one a tenant each time, and one to spare."""
    lists = _lists(run, begin, end)
    one = ((end - begin) / SYNC_SECONDS + 1) * len(run.world.connections)
    words = f"{len(lists)} lists in {end - begin:.0f} s; one beat has {one:.0f} read"
    run.require(len(lists) <= 2 * one, words)


@fault("F22", "jobs that kill their worker every time")
def poison(run: Run) -> None:
    """Five users' jobs kill the process that takes them, always: three times, then they are ended.

    The others are all done.
    """
    victims = [user_id(number, TENANTS[0]) for number in range(0, 200, 40)]
    rules = tuple(steps.Rule("claimed", "kill", user=user) for user in victims)
    run.begin(users={TENANTS[0]: 200}, rules=rules)
    run.act(200, per_second=20, once=True).wait()
    ended = run.until(lambda: not Job.objects.unfinished().exists(), 120, "the poison ended")
    run.settle(60)
    run.note(f"all ended {ended:.0f} s after the last was accepted")
    jobs = {job.broadworks_id: job for job in Job.objects.all()}
    for user in victims:
        job = jobs[user]
        words = f"{job.state} {job.result_code} after {job.crashes} deaths"
        run.require(job.result_code in POISONED and job.crashes == 3, words)
    others = [job for user, job in jobs.items() if user not in victims and job.state != "done"]
    run.require(not others, f"{len(others)} others were not done")


@fault("F23", "a rolling restart under load")
def rolling_restart(run: Run) -> None:
    """Each worker in turn, and beat, are ended by SIGTERM and started anew, four times round.

    No exchange is interrupted: nothing has to be asked for because a worker was lost.
    """
    run.begin(users=400)
    clients = run.act(400, per_second=8, once=True)
    longest = 0.0
    for _ in range(4):
        for child in run.supervised:
            run.tell("SIGTERM", child.name)
            longest = max(longest, child.stop())
            child.start()
    clients.wait()
    run.settle(120)
    run.require(longest <= EXIT_SECONDS, f"the slowest took {longest:.1f} s to end")
    lost = JobEvent.objects.filter(before="sending", after="checking").count()
    crashed = Job.objects.filter(crashes__gt=0).count()
    run.require(lost + crashed == 0, f"{lost + crashed} exchanges were interrupted")
