"""People and workers at the same moment: cancelling, big batches beside single actions."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter

from django.db import connections
from django.utils import timezone

from chaos.faults.base import fault
from chaos.history import Entry
from chaos.load import Part
from chaos.run import Run
from provisioning import batches, job_services, services
from provisioning.action_rules import ActionRefused
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import JobKind
from templates_app.models import OnboardingTemplate

BATCH = 10_000
#: A single action of another partner, beside a batch: a sweep at most, and its own exchange.
BESIDE_SECONDS = 2.0


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


@fault("F25", "a batch of ten thousand beside single actions")
def batch_beside(run: Run) -> None:
    """One partner changes the package of 10,000 users at once; another's single actions go on.

    Each of these is sent within 2 s. Then the batch is cancelled: what was not sent never is.
    """
    run.begin(users={"Nordictel": BATCH, "Iberfone": 40})
    batch, took = _accept(run)
    run.require(took <= 2.0, f"the batch of {batch.total:,} was accepted in {took:.2f} s")
    run.until(lambda: Job.objects.filter(batch=batch, state="done").count() > 20, 60, "it runs")
    waits = [_single(run, number) for number in range(20)]
    run.result.recoveries = waits
    run.require(max(waits) <= BESIDE_SECONDS, f"20 single actions, sent after {max(waits):.1f} s")
    left = batches.cancel(batch, actor=run.world.actors["Nordictel"], now=timezone.now())
    run.note(f"{left:,} of the batch were cancelled before they were sent")
    run.settle(120)
    batch.refresh_from_db()
    run.require(batch.finished_at is not None, "the batch has ended")


def _accept(run: Run) -> tuple[JobBatch, float]:
    template = OnboardingTemplate.objects.get(partner__name="Nordictel")
    rows = Subscriber.objects.filter(template=template).exclude(package="premium")
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    submission = uuid.uuid4()
    began, at = time.monotonic(), time.time()
    batch = batches.accept(
        template, JobKind.PACKAGE, ids, params={"package": "premium"},
        actor=run.world.actors["Nordictel"], now=timezone.now(), submission_id=submission,
    )  # fmt: skip
    took = time.monotonic() - began
    run.history.add(Entry(at, took, "accepted", "batch", "", str(submission), str(batch.uuid)))
    return batch, took


def _single(run: Run, number: int) -> float:
    """Let the other partner act on one user; returns how long until it was claimed."""
    people = [person for person in run.world.people if person.tenant == "Iberfone"]
    part = Part(people[number], ["package"], run.options.seed)
    row = Subscriber.objects.get(broadworks_id=part.person.user_id)
    package = "basic" if row.package != "basic" else "premium"
    began = time.time()
    job = services.change_package(
        row, package=package, actor=run.world.actors["Iberfone"], now=timezone.now(),
        submission_id=part.submission,
    )  # fmt: skip
    run.history.add(Entry(began, time.time() - began, "accepted", "package", part.person.user_id,
                          str(part.submission), str(job.uuid)))  # fmt: skip
    accepted = time.time()
    run.until(lambda: Job.objects.filter(pk=job.pk).exclude(state="queued").exists(), 30, "sent")
    return time.time() - accepted
