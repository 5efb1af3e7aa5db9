"""Batches on connections of their own: what is cancelled is never sent, whoever is quicker."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from provisioning import timing
from provisioning.bulk import services as bulk_services
from provisioning.engine import claiming
from provisioning.models import Job, JobBatch
from provisioning.states import JobKind, Status
from tests import factories


def together(*acts):
    """Run each in a thread with its own database connection; returns what they returned."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        try:
            gate.wait()
            results[place] = act()
        except Exception as error:  # noqa: BLE001 -- the test judges it
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    return results


@pytest.fixture
def scene(transactional_db):
    partner = factories.make_partner()
    way = partner.connection
    way.requests_per_minute, way.max_in_flight = 6_000_000, 32
    way.save()
    template = factories.make_template(partner)
    return template, factories.actor_of(factories.make_user(partner))


def given(scene, count):
    template, actor = scene
    ids = [factories.make_subscriber(template, Status.ERROR).pk for _ in range(count)]
    return ids, lambda **more: bulk_services.accept(
        template, JobKind.RETRY, ids, params={}, actor=actor, now=timezone.now(), **more
    )


@pytest.mark.parametrize("number", range(10))
def test_a_job_is_cancelled_or_sent_and_never_both(scene, number):
    _ids, accept = given(scene, 40)
    batch = accept()
    batch.jobs.update(held=False)

    cancelled, group = together(
        lambda: bulk_services.cancel(batch, actor=scene[1], now=timezone.now()),
        lambda: claiming.claim(batch.connection_id),
    )

    sent = {exchange.job.pk for exchange in group.exchanges} if group else set()
    left = Job.objects.filter(batch=batch).exclude(state="cancelled")
    assert set(left.values_list("pk", flat=True)) == sent
    assert (cancelled, len(sent)) == (40 - len(sent), 40 - cancelled)
    assert not Job.objects.filter(state="cancelled", sends__gt=0).exists()
    assert not Job.objects.filter(state="cancelled", lease_until__isnull=False).exists()


def test_two_people_who_choose_the_same_users_get_one_job_each_user(scene):
    ids, accept = given(scene, 60)

    found = together(accept, accept)

    assert sorted(type(one).__name__ for one in found) == ["ActionRefused", "JobBatch"]
    assert Job.objects.filter(state="queued").count() == len(ids)


def test_a_form_sent_twice_at_the_same_moment_makes_one_batch(scene):
    ids, accept = given(scene, 60)
    form = uuid.uuid4()

    one, other = together(lambda: accept(submission_id=form), lambda: accept(submission_id=form))

    assert isinstance(one, JobBatch)
    assert one == other
    assert Job.objects.count() == len(ids)


def test_two_workers_who_watch_at_once_let_the_others_go_once(scene):
    _ids, accept = given(scene, 30)
    batch = accept()
    first = Job.objects.filter(batch=batch, held=False)
    first.update(state="sending", sends=1, intent_at=timing.now(), lease_token=uuid.uuid4())
    Job.objects.filter(batch=batch, held=False).update(state="done", finished_at=timing.now())
    now = timing.now()

    found = together(*[lambda: bulk_services.watch(batch.pk, now)] * 2)

    assert found == [None, None]
    batch.refresh_from_db()
    assert batch.released_at
    assert not Job.objects.filter(batch=batch, held=True).exists()


def test_a_user_whom_the_portal_took_in_that_very_moment_is_skipped_as_busy(scene, monkeypatch):
    """The portal writes its job by the user's key and asks for no row."""
    from provisioning.bulk import eligibility as bulk_eligibility

    ids, accept = given(scene, 5)
    judge = bulk_eligibility.judge

    def and_then_the_portal(*given, **more):
        rows = judge(*given, **more)
        row = factories.Subscriber.objects.get(pk=ids[0])
        Job.objects.filter(pk=factories.make_job(row, kind="provision").pk).update(subscriber=None)
        return rows

    monkeypatch.setattr(bulk_eligibility, "judge", and_then_the_portal)

    batch = accept()

    skipped = batch.jobs.get(state="cancelled")
    assert (skipped.subscriber_id, skipped.result_code) == (ids[0], "PH-SKIP-BUSY")
    assert batch.jobs.count() == batch.total == 5
