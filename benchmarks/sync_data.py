"""What the sync's measurements bring in: answers that Webex could have given, by number."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from provisioning.projection.merge import Answer
from webex.payloads import RemoteError, RemoteSubscriber

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PROVISIONING_ID = "bench-home"
ERROR = RemoteError("200042", "The email address belongs to a user of another organization.")
#: In this order: each generation shows every subscriber with the next one.
STATUSES = ("error", "pending_email_input", "provisioned", "provisioning")
#: The crowd around them: subscribers of other partners, in the same tables.
CROWD = """
    INSERT INTO provisioning_subscriber
        (uuid, partner_id, connection_id, template_id, webex_id, person_id, broadworks_id,
         enterprise_id, first_name, last_name, email, primary_phone, mobile_phone, extension,
         package, self_activated, backend_status, backend_changed_at, backend_created_at, seen_at,
         status, backend_error, job_error, activation_error, error_code, error_text,
         error_tracking_id, last_change_at, version, is_customer_administrator, deleted_by,
         deleted_here)
    SELECT gen_random_uuid(), %(partner)s, %(connection)s, %(template)s,
           'Y2lzY29zcGFyazovL3VzL1NVQlNDUklCRVIv' || md5(n::text), md5('p' || n),
           n || '@crowd.example', 'Crowd+' || n / 50, 'Freja', 'Nørgaard', n || '@mail.example',
           '+4533123456', '', '', 'standard', false, 'provisioned',
           now() - n * interval '1 minute', now() - interval '2 years', now(), 'provisioned',
           '{}', '{}', '{}', '', '', '', now() - n * interval '1 minute', 1, false, '', false
      FROM generate_series(1, %(count)s) AS n
"""


@dataclass(frozen=True)
class Party:
    """A partner with its connection and template."""

    connection: Any
    template: Any


def make_party(name: str) -> Party:
    """Make a partner; `bench-home` is the provisioning ID of its template."""
    from accounts.models import BackendConnection, Partner
    from templates_app.models import OnboardingTemplate

    partner = Partner.objects.create(name=name)
    connection = BackendConnection.objects.create(partner=partner, xsi_base_url="http://x.example")
    template = OnboardingTemplate.objects.create(
        partner=partner, name=name, provisioning_id=PROVISIONING_ID
    )
    return Party(connection, template)


def answer(number: int, generation: int, name: str) -> Answer:
    """The answer about one subscriber as it is in a generation; `name` makes it another one."""
    status = STATUSES[(number + generation) % len(STATUSES)]
    at = BEGAN + timedelta(minutes=generation, milliseconds=number)
    user = f"{name}{number:07d}@bench.example"
    remote = RemoteSubscriber(
        id="Y2lzY29zcGFyazovL3VzL1NVQlNDUklCRVIv" + uuid.uuid5(uuid.NAMESPACE_DNS, user).hex,
        user_id=user,
        status=status,
        person_id=f"P{number}" if status == "provisioned" else "",
        sp_enterprise_id=f"Bench+{number // 50}",
        first_name="Åse",
        last_name="Holm",
        email=user,
        primary_phone="+4533123456",
        package="standard",
        errors=(ERROR,) if status == "error" else (),
        created=BEGAN,
        last_status_change=at,
        provisioning_id=PROVISIONING_ID,
    )
    asked_at = BEGAN + timedelta(days=1, minutes=generation, seconds=number // 100)  # of its page
    return Answer(remote, asked_at, listed=True)
