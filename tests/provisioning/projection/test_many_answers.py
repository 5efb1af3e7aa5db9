"""Many answers at once are what each alone would have been, and cost no statement more."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.db import transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import BackendConnection
from provisioning import codes, shown_status
from provisioning.models import Activation, Mail, StatusEvent, Subscriber
from provisioning.projection import merge
from provisioning.projection.merge import Answer
from provisioning.states import JobKind, JobState
from templates_app.models import OnboardingTemplate
from tests.factories import make_job, make_partner, make_template
from webex.payloads import RemoteError, RemoteSubscriber

BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
TAKEN = (RemoteError("200042", "Taken."),)

pytestmark = pytest.mark.django_db


@pytest.fixture
def template() -> OnboardingTemplate:
    return make_template(make_partner(), provisioning_id="prov-smb")


@pytest.fixture
def connection(template) -> BackendConnection:
    return template.partner.connection


def told(name="a", status="error", minute=0, **more) -> RemoteSubscriber:
    values = {
        "id": f"id-{name}", "user_id": f"{name}@x.example", "status": status,
        "email": "e@x.example", "sp_enterprise_id": "Firma", "package": "standard",
        "provisioning_id": "prov-smb", "errors": TAKEN if status == "error" else (),
        "created": BEGAN,
        "last_status_change": None if minute is None else BEGAN + timedelta(minutes=minute),
    }  # fmt: skip
    return RemoteSubscriber(**values | more)


def asked(remote, second=0, **more) -> Answer:
    return Answer(remote, BEGAN + timedelta(hours=1, seconds=second), **more)


def bring(connection, *answers) -> list[int | None]:
    return merge.apply_answers(connection, answers, now=timezone.now())


def row(name="a") -> Subscriber:
    return Subscriber.objects.live().get(broadworks_id=f"{name}@x.example")


def written() -> dict[int, str]:
    """Which version of each row the database holds; another one after every write."""
    with database.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text FROM provisioning_subscriber")
        return dict(cursor.fetchall())


def test_ids_come_back_in_the_order_of_the_answers(connection):
    [kept] = bring(connection, asked(told("b")))

    ids = bring(
        connection,
        asked(told("c")), asked(told("b"), 1), asked(told("x", provisioning_id="else")),
        asked(told("a")),
    )  # fmt: skip

    assert ids == [row("c").pk, kept, None, row("a").pk]


@pytest.mark.parametrize("minute", [0, 1])
def test_the_number_of_statements_does_not_grow_with_the_answers(connection, minute):
    counts = []
    for size in (3, 60):
        names = [f"{size}-{n}" for n in range(size)]
        bring(connection, *(asked(told(name)) for name in names[: size // 2]))
        answers = [asked(told(name, "provisioned", minute), 1) for name in names]
        with CaptureQueriesContext(database) as statements:
            bring(connection, *answers)
        # Plans for few answers are made once in a session.
        sent = [one["sql"] for one in statements if not one["sql"].startswith("PREPARE")]
        counts.append(len(sent))

    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_plans_outlive_a_transaction_that_was_undone_with_its_tables(connection):
    for _ in range(2):
        with suppress(InterruptedError), transaction.atomic():
            bring(connection, asked(told("a", "provisioned", 1)))
            raise InterruptedError

    bring(connection, asked(told("a", "provisioned", 1)))

    assert row("a").status == "provisioned"


def test_rows_that_no_answer_changes_are_not_written(connection):
    bring(connection, *(asked(told(name)) for name in "abc"))
    before = written()

    bring(
        connection, asked(told("a"), 9), asked(told("b", "provisioned", 1), 9), asked(told("c"), 9)
    )

    after = written()
    assert [before[row(name).pk] == after[row(name).pk] for name in "abc"] == [True, False, True]


def test_a_subscriber_named_twice_is_followed_in_that_order(connection):
    first, last = asked(told("a", "provisioning", 1)), asked(told("a", "provisioned", 2), 1)

    ids = bring(connection, first, asked(told("b")), last, last)

    assert len(set(ids)) == 2
    assert row("a").status == "provisioned"
    events = StatusEvent.objects.filter(subscriber=ids[0]).order_by("id")
    assert [event.after for event in events] == ["provisioning", "provisioned"]


@pytest.mark.parametrize(
    "text",
    [
        "back\\slash",
        "\\.",
        "\\N",
        "a\nb\r\nc",
        "tab\tend",
        "a\x1fb",
        "a\x1e",
        '"{}"',
        "Ægir 😀",
        "a,b;c",
    ],
)
def test_texts_arrive_as_they_were_told(connection, text):
    error = RemoteError(text, text)
    bring(connection, asked(told(first_name=text, email=text, errors=(error,))), asked(told("b")))

    found = row()
    assert (found.first_name, found.email, found.error_code, found.error_text) == (text,) * 4
    assert found.backend_error["text"] == text


def test_a_change_is_told_with_what_was_before(connection):
    bring(connection, asked(told("a")))

    bring(connection, asked(told("a", "provisioned", 1, package="premium"), 1))

    events = StatusEvent.objects.filter(subscriber=row()).order_by("id")
    assert [(e.what, e.before, e.after, e.error_code) for e in events] == [
        ("arrived", "", "error", "200042"),
        ("status", "error", "provisioned", ""),
        ("package", "standard", "premium", ""),
    ]
    assert {e.cause for e in events} == {"sync"}


# ---- Promise 2: nothing older over something newer ----


@pytest.mark.parametrize("minute", [0, None])
def test_a_list_that_cannot_tell_what_came_first_changes_nothing(connection, minute):
    """Even when we confirmed the row since: that left no trace on it."""
    bring(connection, asked(told("a", "provisioned"), 0))
    bring(connection, asked(told("a", "provisioned"), 20))
    late = asked(told("a", "error", minute), 10, listed=True)

    brought = merge.merge_answers(connection, [asked(told("b")), late], now=timezone.now())

    assert row().backend_status == "provisioned"
    assert (brought.unsure, brought.ids[1]) == ([1], row().pk)


def test_a_late_answer_of_a_job_loses_against_what_was_confirmed_since(connection, template):
    bring(connection, asked(told("a", "provisioned"), 0))
    job = make_job(row(), JobState.WAITING, kind=JobKind.PACKAGE, params={"package": "standard"})
    bring(connection, asked(told("a", "provisioned", package="standard"), 20))

    bring(connection, asked(told("a", "error"), 10, job=job))

    assert row().backend_status == "provisioned"


def test_without_a_time_what_was_asked_for_last_counts_though_it_changed_nothing(connection):
    bring(connection, asked(told("a", "provisioned", None), 0))
    bring(connection, asked(told("a", "provisioned", None), 20))

    bring(connection, asked(told("a", "error", None), 10))

    assert row().backend_status == "provisioned"


def test_an_older_answer_among_newer_ones_is_left_out(connection):
    bring(connection, *(asked(told(name, "provisioned", 5)) for name in "ab"))

    ids = bring(connection, asked(told("a", "error", 4), 9), asked(told("b", "error", 6), 9))

    assert ids == [row("a").pk, row("b").pk]
    assert [row(name).status for name in "ab"] == ["provisioned", "error"]


# ---- Deleted, restored, halfway ----


def test_what_was_asked_before_a_deletion_does_not_bring_the_user_back(connection):
    bring(connection, *(asked(told(name)) for name in "ab"))
    deleted_at = BEGAN + timedelta(hours=1, seconds=10)
    for one in (row("a"), row("b")):
        shown_status.mark_deleted(one, now=deleted_at, by="Webex", here=False)

    ids = bring(connection, asked(told("a", minute=1), 5), asked(told("b", minute=1), 15))

    assert ids == [None, row("b").pk]
    assert Subscriber.objects.count() == 2
    assert list(row("b").events.order_by("id").values_list("what", flat=True)) == [
        "arrived", "deleted", "restored",
    ]  # fmt: skip


def test_of_two_new_ids_one_takes_the_place_of_a_user_on_the_way(connection):
    bring(connection, asked(told("a")))
    key = row().pk
    Subscriber.objects.update(webex_id=None)

    ids = bring(
        connection,
        asked(told("a", id="new-1"), 1), asked(told("a", id="new-2"), 1), asked(told("b"), 1),
    )  # fmt: skip

    assert (ids[0], len(set(ids))) == (key, 3)


def test_the_subscriber_that_a_retry_deleted_does_not_take_the_place_of_the_new_one(connection):
    bring(connection, asked(told("a")))
    job = make_job(row(), step="post", params={"webex_id": "id-a"})
    Subscriber.objects.update(webex_id=None)

    ids = bring(connection, asked(told("a"), 1), asked(told("a", id="new"), 1))

    assert ids == [None, job.subscriber_id]
    assert Subscriber.objects.get().webex_id == "new"


# ---- What follows ----


def test_all_whose_run_led_to_an_account_are_told(connection, template):
    bring(connection, *(asked(told(name)) for name in "abc"))
    for name in "ab":
        Activation.objects.create(
            partner=template.partner, template=template, enterprise_id="Firma",
            broadworks_id=f"{name}@x.example", email=f"{name}@mail.example", state="confirmed",
        )  # fmt: skip

    bring(connection, *(asked(told(name, "provisioned", 1), 1) for name in "abc"))

    assert set(Activation.objects.values_list("state", flat=True)) == {"done"}
    assert sorted(Mail.objects.values_list("to", flat=True)) == ["a@mail.example", "b@mail.example"]


def test_others_may_pass_once_one_of_many_is_active(connection, template):
    OnboardingTemplate.objects.update(provision_admin_first=True)
    elsewhere = told("d", sp_enterprise_id="Other")
    bring(connection, *(asked(told(name)) for name in "abc"), asked(elsewhere))
    stop = {"code": codes.ADMIN_FIRST, "text": "", "tracking_id": "", "at": "2027-01-01T00:00:00Z"}
    for one in Subscriber.objects.exclude(broadworks_id="a@x.example"):
        shown_status.record_activation_error(one, stop, now=timezone.now())

    bring(connection, asked(told("a", "provisioned", 1), 1), asked(told("b"), 1))

    assert [row(name).error_code for name in "abcd"] == ["", "200042", "200042", codes.ADMIN_FIRST]


def test_an_open_confirmation_shows_on_rows_that_change_together(connection, template):
    bring(connection, *(asked(told(name)) for name in "ab"))
    Activation.objects.create(
        partner=template.partner, template=template, subscriber=row("a"), state="mail_sent"
    )

    bring(connection, *(asked(told(name, "pending_email_input", 1), 1) for name in "ab"))

    statuses = [row(name).status for name in "ab"]
    assert statuses == ["pending_email_validation", "pending_email_input"]


def test_the_newest_of_three_errors_is_shown(connection):
    bring(connection, asked(told("a", minute=5)))
    older = {"code": "old", "text": "", "tracking_id": "T", "at": BEGAN.isoformat()}
    newer = older | {"code": "new", "at": (BEGAN + timedelta(minutes=9)).isoformat()}
    shown_status.record_activation_error(row(), newer, now=timezone.now())
    Subscriber.objects.update(job_error=older, version=F("version") + 1)

    bring(connection, asked(told("a", minute=7), 1))
    assert (row().error_code, row().error_tracking_id) == ("new", "T")
    bring(connection, asked(told("a", minute=10), 2))
    assert (row().error_code, row().error_tracking_id) == ("200042", "")
    bring(connection, asked(told("a", "provisioned", 11), 3))
    assert (row().error_code, row().job_error, row().activation_error) == ("", {}, {})


def test_a_waiting_job_ends_with_the_answer_that_somebody_else_got(connection):
    bring(connection, *(asked(told(name, "updating")) for name in "ab"))
    jobs = [
        make_job(row(name), JobState.WAITING, kind=JobKind.PACKAGE, params={"package": "premium"})
        for name in "ab"
    ]

    bring(
        connection,
        asked(told("a", "provisioned", 1, package="premium"), 1), asked(told("b", "error", 1), 1),
    )  # fmt: skip

    for job in jobs:
        job.refresh_from_db()
    assert [job.state for job in jobs] == ["done", "failed"]
    assert row("b").job_error["code"] == "200042"


def test_a_future_time_is_left_out(connection):
    ahead = replace(told("a"), last_status_change=timezone.now() + timedelta(days=1))

    bring(connection, asked(ahead))

    assert row().backend_changed_at is None
