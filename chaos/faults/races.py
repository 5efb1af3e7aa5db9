"""People and workers at the same moment: cancelling, big batches beside single actions."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence

from django.db import connections
from django.utils import timezone

from chaos.faults.base import fault
from chaos.history import Entry
from chaos.load import Part
from chaos.recovery import part
from chaos.run import Run
from provisioning.bulk import services as bulk_services
from provisioning.jobs import job_services, user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import JobKind
from templates_app.models import OnboardingTemplate

BATCH = 10_000
#: A single action of another partner, beside a batch: a sweep at most, and its own exchange.
BESIDE_SECONDS = 2.0
SINGLES = 20
#: So much later with a batch beside it: turns of the other partner in all four processes.
LATER_SECONDS = 1.0
#: Batches that are cancelled, and users of each.
CANCELLED, ROWS = 12, 80


@fault("F24", "cancelling at the moment of sending")
def cancelled(run: Run) -> None:
    """Every action is cancelled a moment after it was accepted, by somebody else's click.

    Who was told "cancelled" has no effect at Webex; who was told "too late" has one.
    """
    run.begin(users=400)
    told: Counter[str] = Counter()
    stop = threading.Event()
    clicks = threading.Thread(target=_cancel_all, args=[run, told, stop], daemon=True)
    clients = run.act(400, per_second=25, once=True)
    clicks.start()
    clients.wait()
    stop.set()
    clicks.join()
    run.settle(120)
    run.note(f"{told['cancelled']} cancelled, {told['too_late']} too late")
    run.require(min(told["cancelled"], told["too_late"]) >= 10, "both happened often enough")
    found = Job.objects.filter(state="cancelled").count()
    run.require(found == told["cancelled"], f"{found} jobs are cancelled")


def _cancel_all(run: Run, told: Counter[str], stop: threading.Event) -> None:
    """Go through what was accepted and cancel each, sooner or later."""
    done = 0
    while not stop.is_set() or done < len(run.history.accepted()):
        for entry in run.history.accepted()[done:]:
            time.sleep(run.luck.choice([0.0, 0.0, 0.01, 0.05]))
            job = Job.objects.select_related("partner", "requested_by").get(uuid=entry.job)
            actor = run.world.actors[job.partner.name]
            try:
                job_services.cancel_job(job, actor=actor, now=timezone.now())
                told["cancelled"] += 1
            except ActionRefused as refusal:
                told[refusal.code] += 1
            done += 1
        time.sleep(0.005)
    connections.close_all()


@fault("F24B", "cancelling batches while they are sent")
def batches_cancelled(run: Run) -> None:
    """Twelve batches of 80 users are cancelled one after the other, each while it is sent.

    As many as the click was told have no effect at Webex; all the others have one.
    """
    run.begin(users={"Nordictel": CANCELLED * ROWS})
    ids, told = _unlike("premium"), 0
    for number in range(CANCELLED):
        batch, _took = _accept(run, ids[number * ROWS : (number + 1) * ROWS])
        time.sleep(run.luck.uniform(0.0, 1.5))
        try:
            told += bulk_services.cancel(
                batch, actor=run.world.actors["Nordictel"], now=timezone.now()
            )
        except ActionRefused as refusal:
            run.note(f"batch {number + 1}: {refusal.code}")
    run.settle(120)
    ends = Counter(Job.objects.values_list("state", flat=True))
    run.require(ends["cancelled"] == told, f"told {told} cancelled, {ends['cancelled']} are")
    run.require(min(ends["cancelled"], ends["done"]) >= ROWS, f"both often enough: {dict(ends)}")


@fault("F25", "a batch of ten thousand beside single actions")
def batch_beside(run: Run) -> None:
    """One partner changes the package of 10,000 users at once; another's single actions go on.

    Each of these is sent within 2 s, and hardly later than before there was a batch. Then the
    batch is cancelled: what was not sent never is.
    """
    run.begin(users={"Nordictel": BATCH, "Iberfone": 2 * SINGLES})
    without = [_single(run, number) for number in range(SINGLES)]
    batch, took = _accept(run, _unlike("premium"))
    run.require(took <= 2.0, f"the batch of {batch.total:,} was accepted in {took:.2f} s")
    run.until(lambda: Job.objects.filter(batch=batch, state="done").count() > 20, 60, "it runs")
    beside = [_single(run, number) for number in range(SINGLES, 2 * SINGLES)]
    left = Job.objects.unfinished().filter(batch=batch).count()
    run.require(left > 0, f"{left:,} of the batch were still to do after them")
    run.result.recoveries = beside
    run.require(max(beside) <= BESIDE_SECONDS, f"single actions sent after {max(beside):.2f} s")
    before, with_it = part(without, 0.95) or 0.0, part(beside, 0.95) or 0.0
    words = f"p95 until a single action is sent: {before:.2f} s without it, {with_it:.2f} s with it"
    run.require(with_it <= before + LATER_SECONDS, words)
    left = bulk_services.cancel(batch, actor=run.world.actors["Nordictel"], now=timezone.now())
    run.note(f"{left:,} of the batch were cancelled before they were sent")
    run.settle(120)
    ended = JobBatch.objects.filter(pk=batch.pk, finished_at__isnull=False)
    run.until(ended.exists, 10, "the batch has ended")
    odd = Job.objects.filter(batch=batch).exclude(state__in=["done", "cancelled"]).count()
    run.require(odd == 0, f"{odd} of the batch were neither done nor cancelled")


def _unlike(package: str) -> list[int]:
    """The users of the partner who do not have a package."""
    rows = Subscriber.objects.filter(partner__name="Nordictel").exclude(package=package)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _accept(run: Run, ids: Sequence[int]) -> tuple[JobBatch, float]:
    template = OnboardingTemplate.objects.get(partner__name="Nordictel")
    submission = uuid.uuid4()
    began, at = time.monotonic(), time.time()
    batch = bulk_services.accept(
        template, JobKind.PACKAGE, ids, params={"package": "premium"},
        actor=run.world.actors["Nordictel"], now=timezone.now(), submission_id=submission,
    )  # fmt: skip
    took = time.monotonic() - began
    run.history.add(Entry(at, took, "accepted", "batch", "", str(submission), str(batch.uuid)))
    return batch, took


def _single(run: Run, number: int) -> float:
    """Let the other partner act on one user; returns how long until it was claimed."""
    people = [person for person in run.world.people if person.tenant == "Iberfone"]
    order = Part(people[number], ["package"], run.options.seed)
    row = Subscriber.objects.get(broadworks_id=order.person.user_id)
    package = "basic" if row.package != "basic" else "premium"
    began = time.time()
    job = user_services.change_package(
        row, package=package, actor=run.world.actors["Iberfone"], now=timezone.now(),
        submission_id=order.submission,
    )  # fmt: skip
    run.history.add(Entry(began, time.time() - began, "accepted", "package", order.person.user_id,
                          str(order.submission), str(job.uuid)))  # fmt: skip
    accepted = time.time()
    run.until(lambda: Job.objects.filter(pk=job.pk).exclude(state="queued").exists(), 30, "sent")
    return time.time() - accepted
