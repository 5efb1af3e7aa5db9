"""Two partners with one of everything: what the tests of this folder walk through.

Everything of the second partner carries MARKER, so that a leak shows in any page.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from accounts.models import Partner, User
from accounts.rights import Role
from provisioning.exports import services as export_services
from provisioning.lists.filters import NOTHING
from provisioning.models import (
    Activation,
    Cause,
    Export,
    Job,
    JobBatch,
    Mail,
    MailboxMessage,
    StatusEvent,
    Subscriber,
)
from provisioning.states import ActivationState, JobKind, JobState, Status
from templates_app.models import OnboardingTemplate
from tests import factories

MARKER = "zqxmarker"
#: For the portal's mailed link of the first partner.
MAIL_TOKEN = "mail-token-of-the-first-partner-0123456789"


@dataclass
class Side:
    """One partner and everything of it; `word` is in every text that a page could show."""

    word: str
    partner: Partner
    full: User
    admin: User
    read_only: User
    closed: User
    template: OnboardingTemplate
    users: dict[str, Subscriber] = field(default_factory=dict)
    jobs: dict[tuple[int, str], Job] = field(default_factory=dict)
    deleting: Job | None = None
    batches: dict[int, JobBatch] = field(default_factory=dict)
    exports: dict[int, Export] = field(default_factory=dict)
    activation: Activation | None = None

    @property
    def user(self) -> Subscriber:
        """One whom everything may be done to."""
        return self.users[Status.ERROR]

    def job_of(self, person: Any, state: str) -> Job:
        """The person's own; the full administrator's for who has none."""
        return self.jobs.get((person.pk or 0, state)) or self.jobs[self.full.pk, state]

    def batch_of(self, person: Any) -> JobBatch:
        """The person's own; the full administrator's for who has none."""
        return self.batches.get(person.pk or 0) or self.batches[self.full.pk]


@dataclass
class World:
    """Both partners, and the people who belong to none."""

    ours: Side
    theirs: Side
    nobody: User
    operations: User


def build(word: str = "firma") -> World:
    """Make both sides; call it in a transaction. `word` is in our texts."""
    return World(
        ours=_side(word, "nordictel"),
        theirs=_side(MARKER, f"{MARKER}fone"),
        nobody=User.objects.create_user("nobody@hub.example"),
        operations=factories.make_user(None, email="ops@hub.example"),
    )


def _side(word: str, name: str) -> Side:
    partner = factories.make_partner(name.title(), support_text=f"Call {word}")
    people = {
        role: factories.make_user(partner, role, f"{role}@{name}.example", name=f"{word} {role}")
        for role in Role
    }
    # A password of their own, without the time that hashing one takes.
    User.objects.filter(partner=partner).update(password="md5$salt$not-a-hash-of-anything")
    for person in people.values():
        person.refresh_from_db()
    closed = factories.make_user(
        partner, Role.ADMIN, f"closed@{name}.example", name=f"{word} closed", is_active=False
    )
    template = factories.make_template(
        partner, f"{word} template", provisioning_id=f"prov-{word}", allow_self_activation=True
    )
    side = Side(
        word,
        partner,
        people[Role.FULL],
        people[Role.ADMIN],
        people[Role.READ_ONLY],
        closed,
        template,
    )
    _fill_users(side)
    _fill_jobs(side)
    _fill_batches(side)
    _fill_exports(side)
    _fill_activation(side)
    audit.record(
        Actor(user=side.full, label=side.full.label), "template.change", template, partner=partner
    )
    return side


def _fill_users(side: Side) -> None:
    for status in [*Status.values, "deleted"]:
        failed = status == Status.ERROR
        row = factories.make_subscriber(
            side.template,
            Status.PROVISIONED if status == "deleted" else status,
            broadworks_id=f"{status.replace('_', '')}@{side.word}.example",
            enterprise_id=f"SP+{side.word}",
            last_name=f"{side.word}son",
            email=f"{status.replace('_', '')}@mail.{side.word}.example",
            **({"error_code": "200026", "error_text": f"{side.word} refused it"} if failed else {}),
        )
        if status == "deleted":
            row.deleted_at, row.deleted_by = timezone.now(), side.full.label
            row.deleted_here = True
            row.save()
        side.users[status] = row
    StatusEvent.objects.create(
        subscriber=side.user, cause=Cause.SYNC, what="status", after="error", text=side.word
    )


def _fill_jobs(side: Side) -> None:
    """A queued and a failed one of each administrator, and a delete; on users of their own."""
    for person in (side.full, side.admin):
        for state in (JobState.QUEUED, JobState.FAILED):
            user = factories.make_subscriber(
                side.template,
                Status.WAITING_ADDRESS,
                broadworks_id=f"{state}-{person.role}@{side.word}.example",
                last_name=f"{side.word}son",
            )
            failed = state == JobState.FAILED
            side.jobs[person.pk, state] = factories.make_job(
                user,
                state,
                kind=JobKind.RETRY,
                params={"email": f"{state}-{person.role}@new.{side.word}.example"},
                requested_by=person,
                requested_label=person.label,
                result_text=side.word if failed else "",
                finished_at=timezone.now() if failed else None,
            )

    side.deleting = factories.make_deletion(
        factories.make_subscriber(
            side.template,
            broadworks_id=f"deleting@{side.word}.example",
            last_name=f"{side.word}son",
        ),
        seconds=3600,
        requested_by=side.full,
        requested_label=side.full.label,
    )


def _fill_batches(side: Side) -> None:
    """A paused one of each administrator: a row has failed, another is held back."""
    for person in (side.full, side.admin):
        now = timezone.now()
        batch = side.batches[person.pk] = factories.make_batch(
            side.template,
            total=2,
            requested_by=person,
            requested_label=person.label,
            paused_at=now,
            pause_text=side.word,
        )
        for state in (JobState.FAILED, JobState.QUEUED):
            user = factories.make_subscriber(
                side.template,
                Status.ERROR,
                broadworks_id=f"batch-{state}-{person.role}@{side.word}.example",
                last_name=f"{side.word}son",
            )
            factories.make_job(
                user,
                state,
                batch=batch,
                priority=Job.Priority.BATCH,
                held=state == JobState.QUEUED,
                result_text=side.word if state == JobState.FAILED else "",
            )


def _fill_exports(side: Side) -> None:
    """A finished one for each person, written by the product."""
    for person in (side.full, side.admin, side.read_only):
        actor = factories.actor_of(person)
        export = export_services.start(
            actor=actor, template=side.template, chosen=NOTHING, now=timezone.now()
        )
        export_services.write(export.pk)
        export.refresh_from_db()
        side.exports[person.pk] = export


def _fill_activation(side: Side) -> None:
    side.activation = Activation.objects.create(
        partner=side.partner,
        template=side.template,
        subscriber=side.users[Status.WAITING_ADDRESS],
        broadworks_id=side.users[Status.WAITING_ADDRESS].broadworks_id,
        email=f"own@{side.word}.example",
        state=ActivationState.MAIL_SENT,
        token_hash=hashlib.sha256(f"{MAIL_TOKEN}-{side.word}".encode()).hexdigest(),
        token_expires_at=timezone.now() + timedelta(hours=24),
    )
    Mail.objects.create(
        activation=side.activation, purpose=Mail.Purpose.CONFIRM, to=f"own@{side.word}.example"
    )
    MailboxMessage.objects.create(
        to=f"own@{side.word}.example", sender="hub", subject=side.word, text=side.word
    )
