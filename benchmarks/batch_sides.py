"""What is measured of batches, on the core of its own: our way, the floor, and what follows.

Prints one JSON object: seconds of each round.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.client import MeasurementFailed

PACKAGE = {"package": "premium"}
KINDS: dict[str, dict[str, str]] = {"retry": {}, "delete": {}, "package": PACKAGE}

_USERS = """
    INSERT INTO provisioning_subscriber
        (uuid, partner_id, connection_id, template_id, webex_id, person_id, broadworks_id,
         enterprise_id, first_name, last_name, email, primary_phone, mobile_phone, extension,
         package, self_activated, backend_status, backend_created_at, seen_at, status,
         backend_error, job_error, activation_error, error_code, error_text, error_tracking_id,
         last_change_at, version, is_customer_administrator, deleted_by, deleted_here)
    SELECT gen_random_uuid(), %(partner)s, %(connection)s, %(template)s, %(name)s || '-id-' || n,
           '', '45' || n || '@' || %(name)s || '.example', 'ent-' || (n / 20), 'Åse', 'Holm',
           'user' || n || '@firma' || (n %% 500) || '.example', '+45 33 12 12 12', '', '1212',
           'standard', false, 'error', now(), now(), 'error', '{}', '{}', '{}', '', '', '', now(),
           1, false, '', false
      FROM generate_series(1, %(count)s) n
    RETURNING id
"""
_TABLES = "provisioning_jobevent, provisioning_statusevent, provisioning_job"
_COLUMNS = """
    uuid, partner_id, connection_id, template_id, enterprise_id, broadworks_id, subscriber_id,
    batch_id, kind, params, state, priority, step, sends, crashes, polls, not_before, held,
    undo_until, deadline_at, intent_hash, result_code, result_text, tracking_id, requested_by_id,
    requested_label, cancelled_by, created_at, finished_at
"""


class Bench:
    """A partner's users in error, in a crowd, and what can be done with them."""

    def __init__(self, subscribers: int, rows: int) -> None:
        self.rows = rows
        self._party("Crowd", subscribers)
        self.template, self.actor, self.ids = self._party("Bench", rows)
        self.execute("VACUUM ANALYZE")

    def _party(self, name: str, count: int) -> tuple[Any, Any, list[int]]:
        from accounts.audit import Actor
        from accounts.models import BackendConnection, Partner, User
        from accounts.rights import Role
        from templates_app.models import OnboardingTemplate

        partner = Partner.objects.create(name=name)
        connection = BackendConnection.objects.create(partner=partner, xsi_base_url="http://x/")
        template = OnboardingTemplate.objects.create(
            partner=partner, name=name, provisioning_id=name
        )
        email = f"{name.lower()}@bench.example"
        user = User.objects.create_user(email, partner=partner, role=Role.FULL, name=name)
        values = {"partner": partner.pk, "connection": connection.pk, "template": template.pk}
        found = self.execute(_USERS, values | {"name": name.lower(), "count": count})
        return template, Actor(user=user, label=user.label), [pk for (pk,) in found]

    def accept(self, kind: str) -> Any:
        """Our way."""
        from django.utils import timezone

        from provisioning.bulk import services as bulk_services

        return bulk_services.accept(
            self.template,
            kind,  # type: ignore[arg-type]
            self.ids,
            params=KINDS[kind],
            actor=self.actor,
            now=timezone.now(),
        )

    def lay_out(self) -> None:
        """Keep the jobs for the floor, and empty the tables; not measured."""
        self.execute("DROP TABLE IF EXISTS bench_ready")
        self.execute(
            f"CREATE UNLOGGED TABLE bench_ready AS SELECT {_COLUMNS} FROM provisioning_job"
        )
        self.execute("VACUUM ANALYZE bench_ready")
        self.empty()

    def floor(self) -> None:
        """The server alone."""
        self.execute(
            f"INSERT INTO provisioning_job ({_COLUMNS}) SELECT {_COLUMNS} FROM bench_ready"
        )

    def check(self) -> None:
        """Raise MeasurementFailed unless every user has a queued job."""
        ((jobs,),) = self.execute("SELECT count(*) FROM provisioning_job WHERE state = 'queued'")
        if jobs != self.rows:
            raise MeasurementFailed(f"{self.rows} users, {jobs} jobs")

    def empty(self) -> None:
        """Forget all jobs, and leave no work for later."""
        self.execute(f"TRUNCATE {_TABLES}")
        self.execute("VACUUM provisioning_subscriber")
        self.execute("CHECKPOINT")

    def execute(self, statement: str, values: Any = None) -> list[Any]:
        """Run one statement and commit it; return its rows, if it has any."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    """Both sides in turn, again and again; a first round warms up and does not count."""
    accept: dict[str, dict[str, list[float]]] = {}
    others: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for kind in KINDS:
            sys.stderr.write(f"\rround {number} of {rounds}: {kind}        ")
            ours, floor, rest = _round(bench, kind)
            if number:
                sides = accept.setdefault(kind, {"ours": [], "floor": []})
                sides["ours"].append(ours)
                sides["floor"].append(floor)
                for name, seconds in rest.items():
                    others.setdefault(name, []).append(seconds)
    return {"accept": accept, "others": others}


def _round(bench: Bench, kind: str) -> tuple[float, float, dict[str, float]]:
    taken: list[Any] = []
    ours = _time(lambda: taken.append(bench.accept(kind)))
    bench.check()
    bench.lay_out()
    floor = _time(bench.floor)
    bench.check()
    rest = _rest(bench, taken[0])
    bench.empty()
    bench.execute("DELETE FROM provisioning_jobbatch")
    return ours, floor, rest


def _rest(bench: Bench, batch: Any) -> dict[str, float]:
    """What pages and workers ask of a batch, and what one statement does to all of its jobs."""
    from django.utils import timezone

    from provisioning.bulk import services as bulk_services
    from provisioning.bulk import statements as bulk_statements

    now = timezone.now()
    acts: dict[str, Callable[[], Any]] = {
        "progress of": lambda: bulk_services.progress(batch, now),
        "watch": lambda: bulk_services.watch(batch.pk, now),
        "let go": lambda: bulk_statements.release(batch),
        "hold": lambda: bulk_statements.hold(batch),
        "CSV of": lambda: bulk_services.write_results(batch, io.BytesIO()),
        "cancel": lambda: bulk_services.cancel(batch, actor=bench.actor, now=now),
    }
    times = {name: _time(act) for name, act in acts.items()}
    params = KINDS[str(batch.kind)]
    preview = lambda: bulk_services.preview(  # noqa: E731 -- beside the others, after the cancelling
        bench.template, batch.kind, bench.ids, params=params, actor=bench.actor
    )
    return {"preview": _time(preview)} | times


def _time(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def main() -> None:
    """Measure; the database is migrated and empty."""
    import django

    django.setup()
    parser = argparse.ArgumentParser(prog="benchmarks.batch_sides")
    for name in ("subscribers", "rows", "rounds"):
        parser.add_argument(f"--{name}", type=int, required=True)
    given = parser.parse_args()
    print(json.dumps(measure(Bench(given.subscribers, given.rows), given.rounds)))


if __name__ == "__main__":
    main()
