"""check_invariants: nothing to object to in what is right; every rule finds its own breach."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, connection
from django.utils import timezone

from accounts.models import AuditEvent, BackendConnection, User
from provisioning import shown_status
from provisioning.bulk import services as bulk_services
from provisioning.engine.claiming import MAX_SENDS
from provisioning.exports import files as export_files
from provisioning.invariants import check as invariants_check
from provisioning.invariants.rules import Rule
from provisioning.jobs import user_services
from provisioning.models import (
    Activation,
    Export,
    Job,
    JobBatch,
    JobEvent,
    Mail,
    StatusEvent,
    Subscriber,
)
from provisioning.states import ActivationState, ExportState, JobKind, JobState, Status
from tests.factories import actor_of, make_job, make_partner, make_subscriber, make_template

PAST = timezone.now() - timedelta(days=3)


@dataclass
class World:
    """One accepted action with everything that belongs to it, and ways to break it."""

    job: Job
    row: Subscriber
    anna: User

    def job_is(self, **values: Any) -> None:
        Job.objects.filter(pk=self.job.pk).update(**values)

    def row_is(self, **values: Any) -> None:
        Subscriber.objects.filter(pk=self.row.pk).update(**values)

    def connection_is(self, **values: Any) -> None:
        BackendConnection.objects.filter(pk=self.job.connection_id).update(**values)

    def ends(self, state: str = JobState.DONE, **values: Any) -> None:
        """The job, by legal changes; where the trigger sleeps they are written down here."""
        intent = {"sends": 1, "intent_at": PAST, "intent_hash": "0" * 64}
        self.job_is(state=JobState.SENDING, lease_token=uuid.uuid4(), **intent)
        end = {"state": state, "finished_at": timezone.now()} | values
        self.job_is(**end)
        if not self.job.history.exists():
            self.changed(JobState.QUEUED, JobState.SENDING)
            self.changed(JobState.SENDING, state)

    def changed(self, before: str, after: str) -> None:
        JobEvent.objects.create(
            job=self.job, at=timezone.now(), before=before, after=after, sends=1
        )

    def another(self, **values: Any) -> Job:
        """A second job of the same user, audited like the first."""
        again = make_job(self.row, **values)
        after = {"job": str(again.uuid)}
        AuditEvent.objects.create(action="subscriber.retry", after=after, object_type="subscriber")
        return again

    def batched(self, *, total: int = 1, **values: Any) -> None:
        """The job as the one row of a batch that was let go."""
        shared = {"partner": self.job.partner, "template": self.job.template, "total": total}
        values = {"created_at": PAST, "released_at": PAST, "kind": self.job.kind} | values
        batch = JobBatch.objects.create(connection=self.job.connection, **shared | values)
        self.job_is(batch=batch)

    def exported(self, **values: Any) -> Export:
        """A file that is ready for download."""
        export = Export(
            partner=self.row.partner,
            owner=self.anna,
            state=ExportState.READY,
            expires_at=timezone.now() + timedelta(hours=1),
            ready_at=timezone.now(),
        )
        written = export_files.write(export, Subscriber.objects.all())
        export.rows, export.size, export.sha256 = written.rows, written.size, written.sha256
        export.save()
        Export.objects.filter(pk=export.pk).update(**values)
        return export

    def activated(self, **values: Any) -> Activation:
        """A run of the portal."""
        values = {"template": self.row.template, "broadworks_id": "4521000001"} | values
        return Activation.objects.create(partner=self.row.partner, subscriber=self.row, **values)

    def told(self, **values: Any) -> None:
        """A line of the row's timeline."""
        StatusEvent.objects.create(subscriber=self.row, what="status", cause="sync", **values)


@pytest.fixture
def world(template, anna) -> World:
    row = make_subscriber(template, Status.ERROR, error_code="200042")
    job = user_services.delete_user(row, actor=actor_of(anna), now=timezone.now())
    return World(job, row, anna)


@pytest.fixture
def lawless(world: World) -> Iterator[World]:
    """The same in a database whose triggers sleep and whose own checks are gone, for one test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in _checks(cursor):
            cursor.execute(f"ALTER TABLE provisioning_job DROP CONSTRAINT {name}")
        cursor.execute("DROP INDEX job_one_unfinished_per_user")
        yield world
        cursor.execute("SET LOCAL session_replication_role = origin")


def _checks(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'c'"
        " AND conrelid = 'provisioning_job'::regclass"
    )
    return [row[0] for row in cursor.fetchall()]


def stranger(world: World) -> Any:
    return make_template(make_partner("Iberfone"), "PYME")


def found(**options: Any) -> set[str]:
    return {finding.what for finding in invariants_check.check(timezone.now(), **options)}


SENT = {"sends": 1, "intent_at": PAST, "intent_hash": "0" * 64}
LEASED = {"lease_until": timezone.now() + timedelta(days=1), "lease_token": uuid.uuid4()}

#: What each rule finds, and what brings it about.
BREACHES: dict[str, Callable[[World], object]] = {
    "a final job has no time of its end, or an unfinished one has": lambda w: w.job_is(
        finished_at=PAST
    ),
    "a final job is still held by a worker": lambda w: w.ends(**LEASED),
    "an unfinished job is past its deadline, the quiet time and a minute": lambda w: w.job_is(
        deadline_at=PAST
    ),
    "a cancelled job was sent": lambda w: w.ends(JobState.CANCELLED),
    "a job that says that nothing was sent was sent": lambda w: w.ends(
        JobState.FAILED, result_code="PH-ASKER-LEFT"
    ),
    "a job is done of which nothing was ever sent": lambda w: w.ends(sends=0),
    f"a job was sent more than {MAX_SENDS} times": lambda w: w.job_is(sends=MAX_SENDS + 1),
    "a user has two unfinished jobs": lambda w: w.another(
        broadworks_id=w.job.broadworks_id.upper()
    ),
    "a row of the list has two unfinished jobs": lambda w: w.another(broadworks_id="another"),
    "a job is being sent, checked or waited for without an intent": lambda w: w.job_is(
        state=JobState.CHECKING
    ),
    "a job is being sent that no worker holds": lambda w: w.job_is(state=JobState.SENDING, **SENT),
    "a job changed its state in a way that is not allowed": lambda w: w.changed(
        JobState.QUEUED, JobState.WAITING
    ),
    "the history of a job has a gap, or does not begin at the beginning": lambda w: w.changed(
        JobState.SENDING, JobState.QUEUED
    ),
    "the history of a job ends in another state than the job's": lambda w: w.changed(
        JobState.QUEUED, JobState.SENDING
    ),
    "a job that is not queued has no history": lambda w: w.job_is(
        state=JobState.SENDING, **SENT, **LEASED
    ),
    "a job was sent more often than its history knows": lambda w: w.ends(sends=2),
    "a batch has more or fewer jobs than users": lambda w: w.batched(total=2),
    "a batch says that it ended, and has unfinished jobs": lambda w: w.batched(finished_at=PAST),
    "all jobs of a batch ended, and it does not say so": lambda w: (
        w.ends(finished_at=PAST),
        w.batched(),
    ),
    "a job is held back, and no batch holds it": lambda w: (w.batched(), w.job_is(held=True)),
    "a job of a batch has another kind or partner than its batch": lambda w: w.batched(
        kind=JobKind.RETRY
    ),
    "an accepted action has no line in the audit log": lambda w: AuditEvent.objects.all().delete(),
    "the audit log tells of a job that was never accepted": lambda w: AuditEvent.objects.create(
        action="subscriber.retry", after={"job": str(uuid.uuid4())}
    ),
    "a due job lies about, though its connection is open and idle": lambda w: w.job_is(
        not_before=PAST
    ),
    "the lease of a job is over, and nobody freed the job": lambda w: w.job_is(
        lease_until=PAST, lease_token=uuid.uuid4()
    ),
    "a mail is due, and nobody sends it": lambda w: Mail.objects.create(
        activation=w.activated(), purpose="confirm", created_at=PAST
    ),
    "a row shows another status than the backend's": lambda w: w.row_is(status="provisioned"),
    "a row shows another error than the newest of its three": lambda w: w.row_is(
        job_error={"code": "1", "text": "x", "tracking_id": "", "at": "2999-01-01T00:00:00+00:00"}
    ),
    "a row's timeline ends in another status than the row's": lambda w: w.told(after="provisioned"),
    "a row was seen at a time that has not come yet": lambda w: w.row_is(
        seen_at=timezone.now() + timedelta(hours=1)
    ),
    "a row has no Webex ID, and no job that replaces its subscriber": lambda w: w.row_is(
        webex_id=None
    ),
    "a list counts more or fewer users than it has": lambda w: w.row_is(package="another"),
    "a user is looked up or sorted by other texts than the row's": lambda w: w.row_is(
        first_name="Renamed"
    ),
    "an export is ready without size, hash or time": lambda w: w.exported(ready_at=None),
    "an export has been on its way for more than an hour": lambda w: w.exported(
        state=ExportState.WRITING, created_at=PAST
    ),
    "a user belongs to two partners": lambda w: w.row_is(template=stranger(w)),
    "a job belongs to two partners": lambda w: w.job_is(template=stranger(w)),
    "a batch belongs to two partners": lambda w: w.batched(template=stranger(w)),
    "a run of the portal belongs to two partners": lambda w: w.activated(template=stranger(w)),
    "an export belongs to two partners": lambda w: w.exported(template=stranger(w)),
    "the token of a connection is not sealed": lambda w: w.connection_is(token_sealed="plain"),
    "a password or the key of a mailed link is kept in clear": lambda w: w.activated(
        token_hash="the key"
    ),
    "a job's orders or the audit log have a member for a secret": lambda w: w.job_is(
        params={"webex_id": "x", "password": "Sommer2026"}
    ),
    "the file of an export is missing, or is not what was recorded": lambda w: export_files.path_of(
        w.exported()
    ).write_bytes(b"half"),
}


def test_an_empty_database_is_in_order(db):
    assert found() == set()


def test_what_is_right_is_in_order(world):
    world.exported()
    world.activated()
    world.told(after=Status.ERROR)
    world.ends()

    assert found() == set()


def test_every_rule_has_its_breach_here():
    in_tables = {rule.what for rule in invariants_check.RULES}

    assert in_tables <= set(BREACHES)
    assert len(set(BREACHES) - in_tables) == 1  # that of the files


@pytest.mark.parametrize("what", BREACHES)
def test_a_breach_is_found(lawless, what):
    BREACHES[what](lawless)

    assert what in found()


def test_what_only_workers_can_keep_is_not_asked_while_there_are_none(world):
    world.job_is(not_before=PAST)

    assert found(timely=False) == set()
    assert found() == {"a due job lies about, though its connection is open and idle"}


@pytest.mark.parametrize(
    "connection_says",
    [
        {"not_before": timezone.now() + timedelta(days=1)},
        {"paid_until": timezone.now() + timedelta(days=1)},
    ],
)
def test_a_due_job_of_a_closed_or_busy_connection_waits_with_good_reason(world, connection_says):
    world.job_is(not_before=PAST)
    world.connection_is(**connection_says)

    assert found() == set()


def test_a_question_that_takes_too_long_is_told_not_forgotten(db, monkeypatch):
    slow = Rule("I1", "a slow question", "SELECT pg_sleep(5)::text AS example")
    monkeypatch.setattr(invariants_check, "RULES", [slow])
    monkeypatch.setattr(invariants_check, "STATEMENT_SECONDS", 0.1)

    assert found() == {"could not be checked: a slow question"}


def test_looking_changes_nothing(world, monkeypatch):
    vandal = "UPDATE accounts_partner SET name = 'x' RETURNING name AS example"
    monkeypatch.setattr(invariants_check, "_counted", lambda sql: sql)
    monkeypatch.setattr(invariants_check, "RULES", [Rule("I1", "a vandal", vandal)])

    with pytest.raises(InternalError, match="read-only transaction"):
        found()


def run(*options: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("check_invariants", *options, stdout=out)
    except SystemExit as exit_:
        return out.getvalue(), int(exit_.code or 0)
    return out.getvalue(), 0


def test_the_command_says_that_all_is_right(world):
    told, code = run()

    assert (told.startswith("right: "), code) == (True, 0)


def test_the_command_tells_what_is_wrong_how_often_and_where(world):
    world.row_is(status="provisioned")

    told, code = run()

    assert code == 1
    assert "I7         1  a row shows another status than the backend's" in told
    assert str(world.row.uuid) in told
    assert told.endswith("WRONG: I7\n")


def test_the_command_speaks_to_programs_too(world):
    world.row_is(status="provisioned")

    told, code = run("--json")

    assert code == 1
    assert json.loads(told) == [
        {
            "invariant": "I7",
            "what": "a row shows another status than the backend's",
            "count": 1,
            "examples": [str(world.row.uuid)],
        }
    ]


def test_a_canary_is_found_wherever_it_lies(world):
    world.job_is(result_text="login failed with Sommer-2026-Sol")

    assert run("--canary", "Vinter-2026") == run()
    told, code = run("--canary", "Vinter-2026", "--canary", "Sommer-2026")
    assert code == 1
    assert "a text that must be nowhere is in provisioning_job" in told


def test_without_a_simulator_the_command_says_what_it_needs(db, settings):
    settings.SIMULATOR_URL = ""

    with pytest.raises(CommandError, match="SIMULATOR_URL"):
        run("--simulator")


@pytest.mark.parametrize("in_bulk", [False, True])
def test_a_retry_ends_an_open_confirmation_and_the_row_says_so(template, anna, in_bulk):
    row, now = make_subscriber(template, Status.WAITING_ADDRESS), timezone.now()
    make_activation(template, row)
    shown_status.refresh(row, now=now)
    assert row.status == Status.WAITING_CONFIRMATION

    if in_bulk:
        bulk_services.accept(
            template, JobKind.RETRY, [row.pk], params={}, actor=actor_of(anna), now=now
        )
    else:
        user_services.retry_activation(row, email=row.email, actor=actor_of(anna), now=now)

    row.refresh_from_db()
    assert row.status == Status.WAITING_ADDRESS
    assert found() == set()


def make_activation(template: Any, row: Subscriber) -> None:
    Activation.objects.create(
        partner=row.partner,
        template=template,
        subscriber=row,
        broadworks_id=row.broadworks_id,
        state=ActivationState.MAIL_SENT,
    )
