"""check_invariants: nothing to object to in what the engine did; every rule finds its breach."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEvent
from provisioning import invariants, invariants_secrets, services, shown
from provisioning.invariants_rules import Rule
from provisioning.models import Activation, Export, Job, JobBatch, JobEvent, Mail, Subscriber
from provisioning.states import JobKind, JobState, Status
from tests.factories import actor_of, make_job, make_partner, make_subscriber, make_template


def found(**options) -> set[str]:
    return {finding.what for finding in invariants.check(timezone.now(), **options)}


@pytest.fixture
def accepted(template, anna):
    """A job with everything that accepting an action writes."""
    row = make_subscriber(template, Status.ERROR)
    return services.delete_user(row, actor=actor_of(anna), now=timezone.now())


def without_triggers() -> None:
    """Break what the database itself would refuse; the transaction of the test forgets it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


def test_an_empty_database_is_in_order(db):
    assert found() == set()


def test_accepted_actions_and_rows_are_in_order(accepted, template):
    make_subscriber(template, Status.ERROR, error_code="200042")

    assert found() == set()
