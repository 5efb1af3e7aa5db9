from __future__ import annotations

import pytest
from django.db import transaction
from django.db.utils import Error

from accounts import audit
from accounts.models import AuditEvent, Partner


@pytest.fixture
def event(db):
    partner = Partner.objects.create(name="Nordictel")
    return audit.record(audit.SYSTEM, "partner.create", partner, partner=partner)


def test_an_audit_event_cannot_be_changed(event):
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(actor_label="somebody else")


def test_an_audit_event_cannot_be_deleted(event):
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        event.delete()
