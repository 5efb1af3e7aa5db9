"""What the engine works on: partners with their connections, and thousands of due jobs by SQL."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from benchmarks.client import MeasurementFailed
from benchmarks.fast_backend import PATH, id_of
from common.sql import literals
from provisioning.states import UNFINISHED

#: So many requests a minute that the rate never binds: it is the engine that is measured.
A_MINUTE = 60_000_000
UNDER_WAY_SECONDS = 30.0
_BATCH = """
    INSERT INTO provisioning_jobbatch
        (uuid, partner_id, connection_id, template_id, kind, params, query, total, released_at,
         pause_code, pause_text, cancelled_by, requested_by_id, requested_label, created_at)
    SELECT gen_random_uuid(), %(partner)s, %(connection)s, %(template)s, 'retry', '{}', '',
           %(count)s, now(), '', '', '', %(user)s, 'Bench', now()
    RETURNING id
"""
_ROWS = """
    INSERT INTO provisioning_subscriber
        (uuid, partner_id, connection_id, template_id, webex_id, person_id, broadworks_id,
         enterprise_id, first_name, last_name, email, primary_phone, mobile_phone, extension,
         package, self_activated, backend_status, backend_changed_at, backend_created_at, seen_at,
         status, backend_error, job_error, activation_error, error_code, error_text,
         error_tracking_id, error_at, last_change_at, version, is_customer_administrator,
         deleted_by, deleted_here)
    SELECT gen_random_uuid(), %(partner)s, %(connection)s, %(template)s,
           %(id_before)s || u.name || %(id_after)s, '', u.name, 'Bench+firma', 'Freja',
           'Nørgaard', u.name, '+4533123456', '', '', 'standard', false, 'error',
           now() - interval '1 hour', now() - interval '1 day', now() - interval '1 hour',
           'error', e.error, '{}', '{}', '200026', 'The address is taken.', '',
           now() - interval '1 hour', now() - interval '1 hour', 1, false, '', false
      FROM generate_series(1, %(count)s) AS n,
           LATERAL (SELECT %(round)s || '-' || n || '@bench.example' AS name) u,
           LATERAL (SELECT jsonb_build_object('code', '200026', 'text', 'The address is taken.',
                           'tracking_id', '', 'at', now() - interval '1 hour') AS error) e
    RETURNING id
"""
_JOBS = """
    INSERT INTO provisioning_job
        (uuid, partner_id, connection_id, template_id, enterprise_id, broadworks_id,
         subscriber_id, batch_id, kind, params, state, priority, step, sends, crashes, polls,
         not_before, held, deadline_at, intent_hash, result_code, result_text, tracking_id,
         requested_by_id, requested_label, cancelled_by, created_at)
    SELECT gen_random_uuid(), s.partner_id, s.connection_id, s.template_id, s.enterprise_id,
           s.broadworks_id, s.id, %(batch)s, 'retry',
           jsonb_build_object('email', s.email, 'first_name', s.first_name,
               'last_name', s.last_name, 'package', s.package, 'webex_id', s.webex_id,
               'primary_phone', s.primary_phone, 'mobile_phone', '', 'extension', '',
               'language', 'en', 'known_at', ''),
           'queued', %(priority)s, '', 0, 0, 0, now(), false, now() + interval '1 day', '', '', '',
           '', %(user)s, 'Bench', '', now()
      FROM provisioning_subscriber s
     WHERE s.connection_id = %(connection)s AND s.status = 'error' AND s.id > %(after)s
     ORDER BY s.id
    RETURNING id
"""


@dataclass(frozen=True)
class Party:
    """A partner with what its jobs need: ids."""

    partner: int
    connection: int
    template: int
    user: int


def jobs(cursor: Any, party: Party, count: int, *, name: str, is_batch: bool = True) -> list[int]:
    """Make so many users in error and a due retry of each; return the jobs' ids."""
    before, _, after = id_of("|").partition("|")
    values = vars(party) | {"count": count, "round": name}
    values |= {"id_before": before, "id_after": after, "priority": int(is_batch), "batch": None}
    if is_batch:
        cursor.execute(_BATCH, values)
        values["batch"] = cursor.fetchone()[0]
    cursor.execute("SELECT COALESCE(max(id), 0) FROM provisioning_subscriber")
    values["after"] = cursor.fetchone()[0]
    cursor.execute(_ROWS, values)
    cursor.execute(_JOBS, values)
    return [row[0] for row in cursor.fetchall()]


def point(cursor: Any, port: int, *, in_flight: int) -> None:
    """Lead all connections to a backend, with so many requests at once."""
    cursor.execute(
        "UPDATE accounts_backendconnection SET api_base_url = %s, max_in_flight = %s",
        [f"http://127.0.0.1:{port}{PATH.removesuffix('/broadworks/subscribers')}", in_flight],
    )


def shut(cursor: Any, party: Party) -> None:
    """Close the gate of a connection."""
    _gate(cursor, party, "clock_timestamp() + interval '1 hour'")


def let_out(cursor: Any, party: Party) -> None:
    """Open the gate of a connection."""
    _gate(cursor, party, "NULL")


def _gate(cursor: Any, party: Party, until: str) -> None:
    sql = f"UPDATE accounts_backendconnection SET not_before = {until} WHERE id = %s"
    cursor.execute(sql, [party.connection])


def are_all_done(cursor: Any, ids: list[int]) -> bool:
    """Tell whether every one of these jobs is done and its user shown as provisioned."""
    cursor.execute(
        "SELECT count(*) FROM provisioning_job j"
        " JOIN provisioning_subscriber s ON s.id = j.subscriber_id"
        " WHERE j.id = ANY(%s) AND j.state = 'done' AND s.status = 'provisioned'"
        " AND s.error_code = ''",
        [ids],
    )
    return bool(cursor.fetchone()[0] == len(ids))


def is_busy(cursor: Any, party: Party) -> bool:
    """Tell whether a partner has unfinished jobs."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM provisioning_job WHERE connection_id = %s"
        f" AND state IN ({literals(UNFINISHED)}))",
        [party.connection],
    )
    return bool(cursor.fetchone()[0])


def end_batches(cursor: Any, party: Party) -> None:
    """Cancel what a partner's batches have not sent, and wait for what is under way."""
    cursor.execute(
        "UPDATE provisioning_job SET state = 'cancelled', finished_at = clock_timestamp()"
        " WHERE connection_id = %s AND state = 'queued'",
        [party.connection],
    )
    end = time.monotonic() + UNDER_WAY_SECONDS
    while is_busy(cursor, party):
        if time.monotonic() > end:
            raise MeasurementFailed("a cancelled batch does not end")
        time.sleep(0.01)


def states(cursor: Any, ids: list[int]) -> str:
    """Say what became of these jobs."""
    cursor.execute(
        "SELECT state, result_code, result_text, count(*) FROM provisioning_job"
        " WHERE id = ANY(%s) GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 5",
        [ids],
    )
    return "; ".join(f"{n} {' '.join(words)}".strip() for *words, n in cursor.fetchall())


def main() -> None:
    """Make two partners; print their ids as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partnerhub.settings")
    import django

    django.setup()
    print(json.dumps([_party(name) for name in ("A", "B")]))


def _party(name: str) -> dict[str, int]:
    from accounts.models import BackendConnection, Partner, User
    from accounts.rights import Role
    from templates_app.models import OnboardingTemplate

    partner = Partner.objects.create(name=f"Partner {name}")
    user = User.objects.create_user(f"{name}@bench.example", partner=partner, role=Role.FULL)
    connection = BackendConnection.objects.create(
        partner=partner, xsi_base_url="http://127.0.0.1:9", requests_per_minute=A_MINUTE
    )
    connection.set_token("token-of-a-benchmark")
    connection.save()
    template = OnboardingTemplate.objects.create(
        partner=partner, name=name, provisioning_id=f"bench-{name}"
    )
    ids = partner.pk, connection.pk, template.pk, user.pk
    return dict(zip(("partner", "connection", "template", "user"), ids, strict=True))


if __name__ == "__main__":
    main()
