from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.rights import Role
from provisioning import codes
from provisioning.bulk import services as bulk_services
from provisioning.jobs import user_services
from provisioning.jobs.eligibility import ActionRefused
from provisioning.models import Activation, Job, JobBatch, StatusEvent
from provisioning.states import JobKind, JobState, Status
from tests import factories

STANDARD = {"package": "standard"}


def stuck(template, count=1, **fields):
    return [factories.make_subscriber(template, Status.ERROR, **fields) for _ in range(count)]


def ids_of(rows):
    return [row.pk for row in rows]


def accept(user, template, rows, kind=JobKind.RETRY, **more):
    values = {"params": {}, "actor": factories.actor_of(user), "now": timezone.now()}
    return bulk_services.accept(template, kind, ids_of(rows), **values | more)


def preview(user, template, rows, kind=JobKind.RETRY, params=None):
    actor = factories.actor_of(user)
    return bulk_services.preview(template, kind, ids_of(rows), params=params or {}, actor=actor)


def told(found):
    return {refusal.code: refusal.count for refusal in found.refused}


# ---- The verdict ----


def test_a_user_in_error_can_be_retried(anna, template):
    found = preview(anna, template, stuck(template, 2))

    assert (found.able, found.total, found.refused) == (2, 2, [])


def refused_for(reason, template):
    """One user against whom exactly this reason stands, with the kind that it stands against."""
    makers = {
        codes.SKIP_STATUS: lambda: factories.make_subscriber(template),
        codes.SKIP_NO_ADDRESS: lambda: factories.make_subscriber(template, "error", email=""),
        codes.SKIP_DELETED: lambda: factories.make_subscriber(
            template, "error", deleted_at=timezone.now()
        ),
        codes.SKIP_NOT_HELD: lambda: factories.make_subscriber(template, webex_id=None),
        codes.SKIP_SAME_PACKAGE: lambda: factories.make_subscriber(template, package="standard"),
    }
    package = reason in (codes.SKIP_NOT_HELD, codes.SKIP_SAME_PACKAGE)
    return makers[reason](), JobKind.PACKAGE if package else JobKind.RETRY


@pytest.mark.parametrize(
    "reason",
    [
        codes.SKIP_STATUS,
        codes.SKIP_NO_ADDRESS,
        codes.SKIP_DELETED,
        codes.SKIP_NOT_HELD,
        codes.SKIP_SAME_PACKAGE,
    ],
)
def test_each_reason_is_told_with_the_user(anna, template, reason):
    row, kind = refused_for(reason, template)
    params = STANDARD if kind == JobKind.PACKAGE else {}

    found = preview(anna, template, [row], kind, params)

    assert (found.able, found.total) == (0, 1)
    (refusal,) = found.refused
    assert (refusal.code, refusal.count, refusal.examples) == (reason, 1, [row.broadworks_id])


def test_a_user_with_an_unfinished_job_is_busy(anna, template):
    (row,) = stuck(template)
    factories.make_job(row)

    assert told(preview(anna, template, [row])) == {codes.SKIP_BUSY: 1}


def test_a_job_of_the_key_alone_keeps_its_user_busy_too(anna, template):
    (row,) = stuck(template)
    Job.objects.filter(pk=factories.make_job(row).pk).update(subscriber=None)

    assert told(preview(anna, template, [row])) == {codes.SKIP_BUSY: 1}


def test_the_second_of_twins_is_busy_with_the_first(anna, template):
    twins = stuck(template, 2, broadworks_id="4533121212@nordictel.example")

    found = preview(anna, template, twins)
    batch = accept(anna, template, twins)

    assert (found.able, told(found)) == (1, {codes.SKIP_BUSY: 1})
    assert outcomes(batch) == {"queued": 1, codes.SKIP_BUSY: 1}


def test_only_the_first_of_an_enterprise_may_pass_under_admin_first(anna, template):
    template.provision_admin_first = True
    template.save()
    rows = stuck(template, 3)
    other = factories.make_subscriber(template, "error", enterprise_id="Nordictel+anden")
    factories.make_subscriber(template, enterprise_id="Nordictel+anden")  # active there

    found = preview(anna, template, [*rows, other])

    assert (found.able, told(found)) == (2, {codes.SKIP_ADMIN_FIRST: 2})
    assert found.refused[0].examples == [row.broadworks_id for row in rows[1:]]


def test_who_moved_to_another_template_is_not_touched(anna, template, partner):
    moved = stuck(factories.make_template(partner))

    assert told(preview(anna, template, moved)) == {codes.SKIP_DELETED: 1}


def test_examples_are_five_at_most(anna, template):
    rows = [factories.make_subscriber(template) for _ in range(7)]

    (refusal,) = preview(anna, template, rows).refused

    assert (refusal.count, len(refusal.examples)) == (7, 5)


@pytest.mark.parametrize("status", [str(status) for status in Status])
@pytest.mark.parametrize("kind", ["retry", "delete", "package"])
def test_many_are_judged_as_one_is(anna, template, status, kind):
    row = factories.make_subscriber(template, status)
    actor, now = factories.actor_of(anna), timezone.now()
    params = {"package": "premium"} if kind == "package" else {}
    single = {
        "retry": lambda: user_services.retry_activation(row, email=row.email, actor=actor, now=now),
        "delete": lambda: user_services.delete_user(row, actor=actor, now=now),
        "package": lambda: user_services.change_package(row, actor=actor, now=now, **params),
    }

    able = preview(anna, template, [row], kind, params).able

    if able:
        assert single[kind]().state == JobState.QUEUED
    else:
        with pytest.raises(ActionRefused) as refused:
            single[kind]()
        assert refused.value.code == "wrong_status"


def test_judging_takes_as_many_queries_for_many_as_for_one(anna, template):
    template.provision_admin_first = True
    rows = stuck(template, 40)
    with CaptureQueriesContext(
        connection,
    ) as one:
        preview(anna, template, rows[:1])

    with CaptureQueriesContext(connection) as many:
        preview(anna, template, rows)

    assert len(many) == len(one) <= 3


# ---- Accepting ----


def outcomes(batch):
    found: dict[str, int] = {}
    for state, code in batch.jobs.values_list("state", "result_code"):
        found[code or state] = found.get(code or state, 0) + 1
    return found


def test_a_batch_has_a_job_for_everybody_and_hides_nobody(anna, template):
    rows = [*stuck(template, 5), factories.make_subscriber(template)]

    batch = accept(anna, template, rows, query="status=error")

    assert (batch.total, batch.query, batch.requested_by) == (6, "status=error", anna)
    assert outcomes(batch) == {"queued": 5, codes.SKIP_STATUS: 1}
    skipped = batch.jobs.get(state="cancelled")
    assert skipped.finished_at
    assert not skipped.cancelled_by


def test_a_job_of_a_batch_has_the_orders_of_a_single_one(anna, template):
    one, other = stuck(template, 2)
    actor = factories.actor_of(anna)
    single = user_services.retry_activation(one, email=one.email, actor=actor, now=timezone.now())

    job = accept(anna, template, [other]).jobs.get()

    mine = {"webex_id": other.webex_id, "email": other.email}
    assert job.params == single.params | mine
    # Deadlines are by PostgreSQL's clock, the other times by the caller's.
    allowed, single_allowed = (j.deadline_at - j.created_at for j in (job, single))
    assert abs(allowed - single_allowed) < timedelta(seconds=5)
    same = "enterprise_id connection_id partner_id template_id requested_label state sends step"
    assert [getattr(job, n) for n in same.split()] == [getattr(single, n) for n in same.split()]


@pytest.mark.parametrize(("kind", "params"), [("delete", {}), ("package", {"package": "premium"})])
def test_orders_of_the_other_kinds_are_those_of_a_single_one(anna, template, kind, params):
    one, other = stuck(template, 2)
    act = {"delete": user_services.delete_user, "package": user_services.change_package}[kind]
    single = act(one, actor=factories.actor_of(anna), now=timezone.now(), **params)

    job = accept(anna, template, [other], kind, params=params).jobs.get()

    assert job.params == single.params | {"webex_id": other.webex_id}
    assert (job.undo_until is None) == (single.undo_until is None)


def test_only_the_first_three_are_free_in_the_order_of_the_list(anna, template):
    rows = stuck(template, 6)[::-1]

    batch = accept(anna, template, rows)

    free = batch.jobs.filter(held=False).order_by("not_before")
    assert [job.subscriber_id for job in free] == ids_of(rows[:3])
    assert batch.released_at is None
    assert set(batch.jobs.values_list("priority", flat=True)) == {Job.Priority.BATCH}


def test_three_need_no_trial(anna, template):
    batch = accept(anna, template, stuck(template, 3))

    assert batch.released_at
    assert not batch.jobs.filter(held=True).exists()


def test_each_user_has_a_line_in_the_timeline(anna, template):
    accepted, refused = stuck(template)[0], factories.make_subscriber(template)

    batch = accept(anna, template, [accepted, refused])

    event = StatusEvent.objects.get(what="requested")
    assert (event.subscriber, event.after, event.text) == (accepted, accepted.email, "retry")
    assert (event.actor_label, event.job.batch) == ("Anna Kofoed", batch)


def test_a_change_of_package_tells_the_timeline_both(anna, template):
    accept(anna, template, stuck(template), JobKind.PACKAGE, params={"package": "premium"})

    event = StatusEvent.objects.get(what="requested")
    assert (event.before, event.after) == ("standard", "premium")


def test_the_audit_log_has_one_line_for_the_batch(anna, template):
    rows = [*stuck(template, 2), factories.make_subscriber(template)]

    batch = accept(anna, template, rows)

    line = AuditEvent.objects.get()
    assert (line.action, line.object_type) == ("batch.retry", "jobbatch")
    assert (line.object_id, line.after["total"]) == (str(batch.uuid), 3)
    assert (line.after["accepted"], line.after["skipped"]) == (2, {codes.SKIP_STATUS: 1})


def test_open_confirmations_of_the_retried_are_replaced(anna, template):
    row, left_out = stuck(template)[0], factories.make_subscriber(template)
    runs = [
        Activation.objects.create(
            partner=row.partner, template=template, subscriber=one, state="mail_sent"
        )
        for one in (row, left_out)
    ]

    accept(anna, template, [row, left_out])

    for run in runs:
        run.refresh_from_db()
    assert [run.state for run in runs] == ["replaced", "mail_sent"]


def test_the_same_form_twice_makes_one_batch(anna, template):
    rows, form = stuck(template, 2), uuid.uuid4()

    first = accept(anna, template, rows, submission_id=form)
    second = accept(anna, template, rows, submission_id=form)

    assert first == second
    assert Job.objects.count() == 2


def test_nothing_to_do_leaves_nothing_behind(anna, template):
    rows = [factories.make_subscriber(template)]

    with pytest.raises(ActionRefused) as refused:
        accept(anna, template, rows)

    assert refused.value.code == "nothing_to_do"
    assert not JobBatch.objects.exists()
    assert not AuditEvent.objects.exists()


def test_more_than_ten_thousand_are_refused(anna, template):
    with pytest.raises(ActionRefused) as refused:
        bulk_services.accept(
            template,
            JobKind.RETRY,
            range(10_001),
            params={},
            actor=factories.actor_of(anna),
            now=timezone.now(),
        )

    assert refused.value.code == "too_many"


def test_an_unknown_package_is_refused_beside_its_field(anna, template):
    with pytest.raises(ActionRefused) as refused:
        accept(anna, template, stuck(template), JobKind.PACKAGE, params={"package": "gold"})

    assert (refused.value.code, refused.value.field) == ("unknown_package", "package")


def test_a_portal_run_is_never_a_batch(anna, template):
    with pytest.raises(ActionRefused):
        accept(anna, template, stuck(template), JobKind.PROVISION)


def test_who_may_only_look_accepts_nothing(rie, template):
    with pytest.raises(PermissionDenied):
        accept(rie, template, stuck(template))


def test_a_stranger_accepts_and_learns_nothing(carla, template):
    rows = stuck(template)

    with pytest.raises(PermissionDenied):
        accept(carla, template, rows)
    with pytest.raises(PermissionDenied):
        preview(carla, template, rows)


def test_one_foreign_user_among_many_refuses_all(anna, template, carla):
    foreign = stuck(factories.make_template(carla.partner))

    with pytest.raises(PermissionDenied):
        accept(anna, template, [*stuck(template, 2), *foreign])

    assert not Job.objects.exists()


def test_a_deletion_waits_for_its_time_of_grace(anna, template):
    batch = accept(anna, template, stuck(template, 5), JobKind.DELETE)

    assert batch.undo_until
    for job in batch.jobs.all():
        assert job.undo_until == batch.undo_until <= job.not_before
    assert not Job.objects.due(batch.undo_until - timedelta(seconds=1)).exists()


# ---- Cancel, undo, retry the failed ----


def test_cancel_ends_what_was_not_sent(anna, template):
    batch = accept(anna, template, stuck(template, 5))
    sent = batch.jobs.order_by("pk").first()
    Job.objects.filter(pk=sent.pk).update(
        state="sending", sends=1, intent_at=timezone.now(), lease_token=uuid.uuid4()
    )

    count = bulk_services.cancel(batch, actor=factories.actor_of(anna), now=timezone.now())

    assert count == 4
    batch.refresh_from_db()
    assert outcomes(batch) == {"cancelled": 4, "sending": 1}
    assert batch.cancelled_by == "Anna Kofoed"
    assert batch.finished_at is None
    assert set(batch.jobs.filter(state="cancelled").values_list("cancelled_by", flat=True)) == {
        "Anna Kofoed"
    }


def test_cancelling_everything_ends_the_batch(anna, template):
    batch = accept(anna, template, stuck(template, 5))

    bulk_services.cancel(batch, actor=factories.actor_of(anna), now=timezone.now())

    batch.refresh_from_db()
    assert batch.finished_at
    assert bulk_services.progress(batch, timezone.now()).state == bulk_services.BatchState.CANCELLED


def test_what_has_ended_cannot_be_cancelled(anna, template):
    batch = accept(anna, template, stuck(template, 2))
    batch.jobs.update(state="failed", finished_at=timezone.now())

    with pytest.raises(ActionRefused) as refused:
        bulk_services.cancel(batch, actor=factories.actor_of(anna), now=timezone.now())

    assert refused.value.code == "too_late"


def test_any_administrator_undoes_a_deletion_in_its_time(anna, bo, template):
    batch = accept(anna, template, stuck(template, 5), JobKind.DELETE)

    bulk_services.cancel(batch, actor=factories.actor_of(bo), now=timezone.now())

    batch.refresh_from_db()
    assert bulk_services.progress(batch, timezone.now()).state == bulk_services.BatchState.UNDONE
    assert AuditEvent.objects.filter(action="batch.undo", actor=bo).exists()


def test_after_the_time_of_grace_others_batches_are_for_those_who_manage(anna, bo, template):
    batch = accept(anna, template, stuck(template, 5), JobKind.DELETE)
    later = batch.undo_until + timedelta(seconds=1)

    with pytest.raises(PermissionDenied):
        bulk_services.cancel(batch, actor=factories.actor_of(bo), now=later)


@pytest.mark.parametrize("act", [bulk_services.cancel, bulk_services.resume])
def test_strangers_and_readers_touch_no_batch(anna, rie, carla, template, act):
    batch = accept(anna, template, stuck(template, 5), JobKind.DELETE)

    for person in (rie, carla):
        with pytest.raises(PermissionDenied):
            act(batch, actor=factories.actor_of(person), now=timezone.now())


def test_operations_cancel_batches(anna, template):
    batch = accept(anna, template, stuck(template, 5))
    operations = factories.make_user(None)

    assert (
        bulk_services.cancel(batch, actor=factories.actor_of(operations), now=timezone.now()) == 5
    )


def test_the_failed_ones_are_retried_as_a_new_batch_that_knows_its_parent(anna, template):
    rows = stuck(template, 4)
    batch = accept(anna, template, rows)
    ended = {"finished_at": timezone.now()}
    failed = batch.jobs.filter(subscriber__in=rows[:2])
    failed.update(state="failed", result_code="200039", **ended)
    batch.jobs.filter(subscriber__in=rows[2:]).update(state="cancelled", **ended)

    again = bulk_services.retry_failed(batch, actor=factories.actor_of(anna), now=timezone.now())

    assert (again.parent, again.total, again.kind) == (batch, 2, "retry")
    assert set(again.jobs.values_list("subscriber", flat=True)) == set(ids_of(rows[:2]))


def test_without_failures_there_is_nothing_to_retry(anna, template):
    batch = accept(anna, template, stuck(template, 1))

    with pytest.raises(ActionRefused) as refused:
        bulk_services.retry_failed(batch, actor=factories.actor_of(anna), now=timezone.now())

    assert refused.value.code == "nothing_failed"


def test_the_failed_ones_of_somebody_else_are_for_the_full_administrator(partner, anna, template):
    batch = accept(anna, template, stuck(template, 2))
    batch.jobs.update(state="failed", result_code="200039", finished_at=timezone.now())
    bo = factories.make_user(partner, Role.ADMIN)

    with pytest.raises(PermissionDenied):
        bulk_services.retry_failed(batch, actor=factories.actor_of(bo), now=timezone.now())


def test_a_second_partner_role_may_act_on_its_own(partner, template):
    bo = factories.make_user(partner, Role.ADMIN)
    batch = accept(bo, template, stuck(template, 4))

    assert bulk_services.cancel(batch, actor=factories.actor_of(bo), now=timezone.now()) == 4
