"""The floor: bare Django views on the same tables, served with the same gunicorn settings.

POST: uniqueness check, insert and request log in one transaction. List: 100 rows as JSON. Get: one
row as JSON. No rules, no faults, no tokens: what is left to pay for when all else is free.
"""

from __future__ import annotations

import argparse
import json
import os
import uuid
from datetime import UTC, datetime
from typing import Any

CHECK = "SELECT 1 FROM simulator_subscriber WHERE cluster = %s AND user_key = %s"
INSERT = """
    INSERT INTO simulator_subscriber
        (uid, account_id, provisioning_id, cluster, sp_enterprise_id, user_id, user_key, keyed,
         self_activated, created, first_name, last_name, email, email_key, primary_phone,
         mobile_phone, extension, timezone, language, package, status, errors,
         last_status_change, due_at, due_status, due_errors, changes)
    SELECT %s, account_id, id, cluster, %s, %s, %s, true, false, %s, %s, %s, %s, %s, '', '', '',
           '', '', %s, 'provisioned', '[]', %s, null, '', '[]', '{}'
    FROM simulator_provisioning WHERE id = %s
"""
LOG = """
    INSERT INTO simulator_request
        (run, at, finished_at, token_name, method, path, operation, provisioning_id,
         sp_enterprise_id, user_id, body_hash, effect, change, status, outcome, fault, tracking_id)
    VALUES (0, %s, %s, 'floor', 'POST', '/floor', 'provision', %s, %s, %s, '', true, 'created', 200,
            '', '', %s)
"""
COLUMNS = (
    "id, uid, user_id, sp_enterprise_id, first_name, last_name, email, primary_phone, mobile_phone,"
    " extension, package, status, created, last_status_change, provisioning_id, self_activated"
)
PAGE = f"SELECT {COLUMNS} FROM simulator_subscriber WHERE id < %s ORDER BY id DESC LIMIT 100"
ONE = f"SELECT {COLUMNS} FROM simulator_subscriber WHERE uid = %s"


def insert(request: Any) -> Any:
    """Insert one subscriber and one log line."""
    from django.db import connection, transaction

    body, now, uid = json.loads(request.body), datetime.now(UTC), uuid.uuid4()
    key, email = body["userId"].lower(), body["email"]
    home, customer = body["provisioningId"], body["spEnterpriseId"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CHECK, [home, key])
        if cursor.fetchone():
            return answer({}, status=409)
        names = [body["firstName"], body["lastName"], email, email.lower(), body["package"]]
        cursor.execute(INSERT, [uid, customer, body["userId"], key, now, *names, now, home])
        cursor.execute(LOG, [now, now, home, customer, body["userId"], str(uid)])
    return answer({"id": str(uid), "userId": body["userId"]})


def page(request: Any) -> Any:
    """Answer 100 rows, the cursor being the last one's id."""
    rows = _select(PAGE, [int(request.GET.get("cursor") or 2**62)])
    link = {"Link": f"</floor?cursor={rows[-1]['id']}>"} if len(rows) == 100 else {}
    return answer({"items": rows}, headers=link)


def get(request: Any, uid: uuid.UUID) -> Any:
    """Answer one row."""
    return answer(_select(ONE, [uid])[0])


def answer(body: Any, **options: Any) -> Any:
    """Return JSON with its length, without which gunicorn would send it in chunks."""
    from django.http import JsonResponse

    response = JsonResponse(body, **options)
    response["Content-Length"] = len(response.content)
    return response


def _select(sql: str, values: list[Any]) -> list[dict[str, Any]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def view(request: Any) -> Any:
    """Tell reading from writing."""
    return insert(request) if request.method == "POST" else page(request)


def make_application() -> Any:
    """Return the WSGI application: no middleware, no apps, the simulator's database."""
    import environ
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.urls import path

    database = environ.Env.db_url_config(os.environ["SIMULATOR_DATABASE_URL"])
    settings.configure(
        SECRET_KEY="signs-nothing",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=(path("floor", view), path("floor/<uuid:uid>", get)),
        MIDDLEWARE=[],
        USE_TZ=True,
        USE_I18N=False,
        DATABASES={"default": database | {"CONN_MAX_AGE": None}},
    )
    return get_wsgi_application()


def main() -> None:
    """Serve until SIGTERM."""
    from simulator import server

    class Floor(server.Server):
        def load(self) -> Any:
            return make_application()

    parser = argparse.ArgumentParser(prog="benchmarks.floor")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    options = server.options_for(
        host="127.0.0.1", port=given.port, threads=given.threads, workers=1
    )
    Floor(options).run()


if __name__ == "__main__":
    main()
