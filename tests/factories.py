"""Makers of rows for tests: everything has a sensible default, and only what matters is said.

Subscribers made here skip the backend; tests of the engine use tests/provisioning/rig.py instead.
"""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import BackendConnection, Health, Partner, User
from accounts.rights import Role
from provisioning.models import Job, JobBatch, Subscriber
from provisioning.states import FINAL, JobKind, JobState, Status
from templates_app.models import OnboardingTemplate, Package

_number = itertools.count(1)


def make_partner(name: str = "Nordictel", **fields: Any) -> Partner:
    """A partner with a connection that was synced a moment ago."""
    partner = Partner.objects.create(name=name, **fields)
    connection = BackendConnection.objects.create(
        partner=partner,
        api_base_url="http://127.0.0.1:9/v1",
        xsi_base_url="http://127.0.0.1:9/xsi",
        health=Health.OK,
        synced_at=timezone.now(),
    )
    connection.set_token("token-of-a-test")
    connection.save()
    return partner


def make_user(
    partner: Partner | None, role: Role = Role.FULL, email: str = "", **fields: Any
) -> User:
    """Somebody who signs in; without a partner: operations."""
    email = email or f"person{next(_number)}@hub.example"
    if partner is None:
        return User.objects.create_superuser(email, **fields)
    return User.objects.create_user(email, partner=partner, role=role, **fields)


def make_template(partner: Partner, name: str = "", **fields: Any) -> OnboardingTemplate:
    """An onboarding template with its own provisioning ID."""
    number = next(_number)
    values = {"name": name or f"Template {number}", "provisioning_id": f"prov-{number}"}
    return OnboardingTemplate.objects.create(partner=partner, **values | fields)


def make_subscriber(
    template: OnboardingTemplate, status: str = Status.PROVISIONED, **fields: Any
) -> Subscriber:
    """A live row; `minutes_ago` sets its last change, `error_code` fills the other error fields."""
    number = next(_number)
    minutes = fields.pop("minutes_ago", number)
    values: dict[str, Any] = {
        "partner": template.partner,
        "connection": template.partner.connection,
        "webex_id": f"webex-{number}",
        "broadworks_id": f"45{number:08d}@nordictel.example",
        "enterprise_id": "Nordictel+firma",
        "first_name": "Freja",
        "last_name": "Nørgaard",
        "email": f"u{number}@firma.example",
        "package": Package.STANDARD,
        "status": status,
        "backend_status": status,
        "backend_created_at": timezone.now() - timedelta(days=1),
        "last_change_at": timezone.now() - timedelta(minutes=minutes),
    }
    return Subscriber.objects.create(template=template, **values | _error(fields) | fields)


def copy_subscriber(pattern: Subscriber, count: int, **columns: str) -> None:
    """So many rows more like one, in one statement; `columns` are SQL, in which `n` counts."""
    own = {"uuid": "gen_random_uuid()", "webex_id": "'copy-' || pattern.id || '-' || n"} | columns
    fields = [f for f in pattern._meta.concrete_fields if not (f.primary_key or f.generated)]
    names = [f.column for f in fields]
    values = [own.get(name, f"pattern.{name}") for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {pattern._meta.db_table} ({', '.join(names)}) "
            f"SELECT {', '.join(values)} FROM {pattern._meta.db_table} AS pattern, "
            "generate_series(1, %s) AS n WHERE pattern.id = %s",
            [count, pattern.pk],
        )


def _error(fields: dict[str, Any]) -> dict[str, Any]:
    if not fields.get("error_code"):
        return {}
    at = timezone.now()
    error = {
        "code": fields["error_code"],
        "text": fields.get("error_text", "it was refused"),
        "tracking_id": fields.get("error_tracking_id", ""),
        "at": at.isoformat(),
    }
    return {"backend_error": error, "error_text": error["text"], "error_at": at}


def make_job(subscriber: Subscriber, state: str = JobState.QUEUED, **fields: Any) -> Job:
    """A job of a row, as the outbox would have written it."""
    now: datetime = fields.pop("now", timezone.now())
    values: dict[str, Any] = {
        "kind": JobKind.RETRY,
        "partner": subscriber.partner,
        "connection": subscriber.connection,
        "template": subscriber.template,
        "enterprise_id": subscriber.enterprise_id,
        "broadworks_id": subscriber.broadworks_id,
        "deadline_at": now + timedelta(days=1),
        "requested_label": "Anna Kofoed",
        "created_at": now,
        "not_before": now,
    }
    if state in FINAL:
        values["finished_at"] = now
    else:
        fields.pop("finished_at", None)
    if state == JobState.SENDING:
        values |= {"intent_at": now, "lease_token": uuid.uuid4(), "sends": 1}
    return Job.objects.create(subscriber=subscriber, state=state, **values | fields)


def move_job(job: Job, state: str, **fields: Any) -> None:
    """Bring a queued job into a state as the engine would, by the changes that are legal."""
    row = Job.objects.filter(pk=job.pk)
    intent = {"intent_at": timezone.now(), "lease_token": uuid.uuid4(), "sends": 1}
    row.update(state=JobState.SENDING, **intent)
    if state in FINAL:
        fields["finished_at"] = timezone.now()
    row.update(state=state, **fields)
    job.refresh_from_db()


def make_deletion(subscriber: Subscriber, *, seconds: float = 60, **fields: Any) -> Job:
    """A delete that can be undone for so many seconds still (fewer than 0: no longer)."""
    until = timezone.now() + timedelta(seconds=seconds)
    values: dict[str, Any] = {"kind": JobKind.DELETE, "undo_until": until, "not_before": until}
    return make_job(subscriber, **values | fields)


def make_batch(
    template: OnboardingTemplate, *, kind: str = JobKind.RETRY, total: int = 0, **fields: Any
) -> JobBatch:
    """A batch without rows; give it some by make_job(…, batch=…)."""
    now: datetime = fields.pop("now", timezone.now())
    values: dict[str, Any] = {
        "partner": template.partner,
        "connection": template.partner.connection,
        "requested_label": "Anna Kofoed",
        "created_at": now,
    }
    return JobBatch.objects.create(template=template, kind=kind, total=total, **values | fields)


def actor_of(user: User) -> Actor:
    """The person as one who acts."""
    return Actor(user=user, label=user.label)
