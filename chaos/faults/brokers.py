"""Redis: dead with all its data, standing still, emptied, full, its connections cut."""

from __future__ import annotations

import signal
import time

import redis

from chaos.checker import operations_of
from chaos.faults.base import fault
from chaos.run import Run, chosen
from provisioning.models import Job

#: Every request must be answered within this, whatever Redis does.
ANSWER_SECONDS = 0.3
RESUMED_SECONDS = 5.0
#: After it stood still, the product's own socket time-out and Celery's back-off come first.
THAWED_SECONDS = 30.0
HINT_MS = 3.0
CHANGES = {"provision", "update", "remove"}


@fault("F3", "Redis killed with all its data", smoke=True)
def redis_killed(run: Run) -> None:
    """All is queued while the connections' gates are closed; then Redis dies with every hint.

    The gates open meanwhile. After 5 s Redis is back, empty: within 5 s the first job is taken
    up, and none of them is lost.
    """
    actions = chosen(300, 2000, run.options)
    run.begin(users=actions)
    run.world.close(600)  # until they are opened, however long all take to be accepted
    run.act(actions, once=True).wait()
    run.tell("kill -9", "redis")
    server = run.stage.redis
    if server.process:
        server.process.kill()
        server.process.wait()
    queued = Job.objects.filter(state="queued").count()
    run.require(queued == actions, f"{queued} jobs were queued when Redis died")
    run.world.open()
    time.sleep(5)  # the outage
    server.start(run.stage.logs / "redis.log")
    run.resumed(run.tell("back", "redis"), 40)
    _judge_resumption(run, RESUMED_SECONDS)
    quiet = run.settle(180)
    run.note(f"all done {quiet:.0f} s after that")


@fault("F4", "Redis away while users act", smoke=True)
def redis_away(run: Run) -> None:
    """Users act while nothing listens on Redis' port: each is answered within 300 ms."""
    actions = chosen(120, 600, run.options)
    run.begin(users=actions)
    server = run.stage.redis
    run.tell("stop", "redis")
    server.stop(at_once=True)
    run.act(actions, per_second=chosen(15, 20, run.options), once=True).wait()
    run.check_answers(ANSWER_SECONDS)
    server.start(run.stage.logs / "redis.log")
    run.resumed(run.tell("back", "redis"), 40)
    _judge_resumption(run, RESUMED_SECONDS)
    run.settle(120)


@fault("F5", "Redis frozen, emptied, full, cut off")
def redis_troubled(run: Run) -> None:
    """SIGSTOP for 12 s, FLUSHALL, CLIENT KILL and a full memory, while users act.

    Each is answered within 300 ms; work goes on within 30 s after a freeze, else within 5 s.
    """
    run.begin(users=600)
    clients = run.act(600, per_second=10, once=True)
    for trouble, seconds in ((_frozen, THAWED_SECONDS), (_emptied, RESUMED_SECONDS),
                             (_cut_off, RESUMED_SECONDS), (_full, RESUMED_SECONDS)):  # fmt: skip
        run.tell("begin", trouble.__name__)
        trouble(run)
        run.resumed(run.tell("end", trouble.__name__), 40)
        took = run.result.recoveries[-1:]
        words = f"{trouble.__name__.strip('_')}: work went on after {sum(took):.1f} s"
        run.require(bool(took) and took[0] <= seconds, words)
        time.sleep(2)
    clients.wait()
    run.check_answers(ANSWER_SECONDS)
    run.settle(120)


def _frozen(run: Run) -> None:
    process = run.stage.redis.process
    if process:
        process.send_signal(signal.SIGSTOP)
        time.sleep(12)
        process.send_signal(signal.SIGCONT)


def _emptied(run: Run) -> None:
    run.broker().flushall()


def _cut_off(run: Run) -> None:
    run.broker().client_kill_filter(_type="normal", skipme=True)


def _full(run: Run) -> None:
    """Every write is refused for five seconds, as with `noeviction` and no memory left."""
    with run.broker() as broker:
        broker.config_set("maxmemory", "1")
        time.sleep(5)
        broker.config_set("maxmemory", "0")


@fault("F9", "ten thousand hints too many")
def hints_doubled(run: Run) -> None:
    """The same hints come again and again: no request too many, and each costs at most 3 ms.

    Of processor time, of all workers together: the machine may have other things to do.
    """
    run.begin(users=100)
    run.world.close(600)  # until they are opened, however long all take to be accepted
    run.act(100, once=True).wait()
    run.world.open()
    run.settle(120)
    before = _cpu_seconds(run)
    hints = run.world.hints(10_000)
    run.until(lambda: _waiting(run.broker()) == 0, 180, "empty queues")
    each = (_cpu_seconds(run) - before) / hints * 1000
    changes = [line for line in run.backend.log() if line["operation"] in CHANGES]
    wanted = sum(len(operations_of(job)) for job in Job.objects.select_related("connection"))
    words = f"{len(changes)} changes were sent for 100 actions, {wanted} are needed"
    run.require(len(changes) == wanted, words)
    run.require(each <= HINT_MS, f"{hints} hints for nothing, {each:.2f} ms of processor time each")


def _cpu_seconds(run: Run) -> float:
    """What all workers have used of the processors, children that have ended left out."""
    spent = [one.cpu_times() for child in run.workers for one in child.family()]
    return float(sum(times.user + times.system for times in spent))


def _waiting(broker: redis.Redis) -> int:
    return sum(int(broker.llen(name)) for name in ("provision", "background"))


def _judge_resumption(run: Run, seconds: float) -> None:
    for took in run.result.recoveries:
        run.require_within(seconds, took, f"the first job was taken up after {took:.1f} s")
