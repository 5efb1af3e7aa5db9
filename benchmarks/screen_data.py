"""The data of the screen's measurements: one partner's live users in eight templates, one of them
with two fifths of all, made by the server. Prints who signs in and what there is, as JSON.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

TEMPLATES = 8
_USERS = """
INSERT INTO provisioning_subscriber
    (uuid, partner_id, connection_id, template_id, webex_id, person_id, broadworks_id,
     enterprise_id, first_name, last_name, email, primary_phone, mobile_phone, extension, package,
     self_activated, backend_status, backend_changed_at, backend_created_at, seen_at, status,
     backend_error, job_error, activation_error, error_code, error_text, error_tracking_id,
     error_at, last_change_at, version, is_customer_administrator, deleted_by, deleted_here)
SELECT gen_random_uuid(), %(partner)s, %(connection)s, template,
       'Y2lzY29zcGFyazovL3VzL1NVQlNDUklCRVIv' || md5(n::text), md5('p' || n),
       login || '@' || domain, enterprise, first_name, last_name, login || '@mail.' || domain,
       '+45' || lpad(((n * 7919::bigint) %% 100000000)::text, 8, '0'),
       CASE WHEN n %% 3 = 0
            THEN '+4520' || lpad(((n * 104729::bigint) %% 1000000)::text, 6, '0') ELSE '' END,
       (1000 + n %% 9000)::text, package, n %% 5 = 0, status, at, at - interval '90 days', now(),
       status,
       CASE WHEN code <> '' THEN jsonb_build_object(
            'code', code, 'text', words, 'tracking_id', '', 'at', at) ELSE '{}' END,
       '{}', '{}', code, CASE WHEN code <> '' THEN words ELSE '' END, '',
       CASE WHEN code <> '' THEN at END, at, 1, false, '', false
  FROM (SELECT *,
       lower(translate(first_name || '.' || replace(last_name, ' ', '.'), 'ÆØÅæøå', 'aoaaoa')) || n
           AS login,
       'The email address belongs to a user of another organization.' AS words,
       CASE WHEN status = 'error'
            THEN (ARRAY['200001', '200012', '200016', '200019', '200026', '200042', '200043',
                        '200050', '200055'])[1 + (n * 31) %% 9]
            WHEN status LIKE 'pending%%' AND n %% 11 = 0 THEN '200042' ELSE '' END AS code
  FROM (SELECT n,
       (%(templates)s::bigint[])[CASE WHEN n %% 10 < 4 THEN 1 ELSE 2 + n %% 7 END] AS template,
       'Customer' || n / 50 || '.dk' AS enterprise, 'customer' || n / 50 || '.example' AS domain,
       (ARRAY['Anna', 'Bo', 'Søren', 'Freja', 'Åse', 'Jens', 'Mette', 'Lars', 'Kirsten', 'Niels',
              'Ida', 'Rasmus', 'Ærø', 'Signe', 'Oluf', 'Maja'])[1 + (n * 7) %% 16] AS first_name,
       (ARRAY['Jensen', 'Nielsen', 'Hansen', 'Pedersen', 'Holm', 'Nørgaard', 'Lund', 'Bjerg',
              'Kvist', 'Dahl', 'Mørk', 'Friis', 'Skov', 'Toft', 'Juhl', 'Bech', 'Vang', 'Krogh',
              'Winther', 'Brandt', 'Ravn', 'Høj', 'Lind', 'Kruse', 'Borg', 'Munk', 'Thorsen', 'Sø',
              'Gade', 'Damgaard'])[1 + (n * 13) %% 30]
       || CASE WHEN n %% 4 = 0 THEN '' ELSE ' ' ||
          (ARRAY['Aa', 'Bruun', 'Carstens', 'Due', 'Engel', 'Fog', 'Gram', 'Hald', 'Iversen',
                 'Juul', 'Kjær', 'Ladegaard', 'Meldgaard', 'Nyborg', 'Ost', 'Palle', 'Quist',
                 'Rosen', 'Storm', 'Trolle', 'Urup', 'Vestergaard', 'Wolf', 'Yde',
                 'Zeuthen'])[1 + (n / 30) %% 25] END AS last_name,
       CASE WHEN (n * 17) %% 100 < 60 THEN 'standard' WHEN (n * 17) %% 100 < 85 THEN 'softphone'
            WHEN (n * 17) %% 100 < 97 THEN 'premium' ELSE 'basic' END AS package,
       CASE WHEN (n * 37) %% 1000 < 880 THEN 'provisioned' WHEN (n * 37) %% 1000 < 920 THEN 'error'
            WHEN (n * 37) %% 1000 < 955 THEN 'pending_email_input'
            WHEN (n * 37) %% 1000 < 975 THEN 'pending_email_validation'
            WHEN (n * 37) %% 1000 < 985 THEN 'pending_user_migration'
            WHEN (n * 37) %% 1000 < 996 THEN 'provisioning' ELSE 'updating' END AS status,
       -- Most changed at any time, some in the order in which they were made.
       now() - CASE WHEN n %% 10 < 8 THEN (n * 7907::bigint) %% 1000003 ELSE n END
               * interval '1 minute' AS at
  FROM generate_series(1, %(count)s) AS n) AS base) AS made
"""
#: Everything but primary keys and constraints is built when the rows are in, as it is quicker so;
#: the triggers work as they always do.
_INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid IN ('provisioning_subscriber'::regclass,
                          'provisioning_usertext'::regclass)
       AND NOT i.indisunique
"""
_SEARCHES = "usertext_grams"


def make(cursor: Any, count: int, *, searchable: bool = True) -> dict[str, Any]:
    """Fill an empty, migrated database; return what the others have to know.

    The index of searches takes longest to build; what does not search goes without it.
    """
    from accounts.models import BackendConnection, Partner, User
    from accounts.rights import Role
    from templates_app.models import OnboardingTemplate

    partner = Partner.objects.create(name="Big")
    connection = BackendConnection.objects.create(partner=partner, xsi_base_url="http://x.example")
    templates = [
        OnboardingTemplate.objects.create(
            partner=partner, name=f"Template {n}", provisioning_id=f"bench-{n}"
        )
        for n in range(TEMPLATES)
    ]
    user = User.objects.create_user(
        email="bench@x.example", partner=partner, role=Role.FULL, name="Bench"
    )
    keys = [template.pk for template in templates]
    values = {"partner": partner.pk, "connection": connection.pk, "templates": keys}
    _fill(cursor, values | {"count": count}, searchable=searchable)
    return {
        "partner": partner.pk,
        "connection": connection.pk,
        "templates": keys,
        "uuids": [str(template.uuid) for template in templates],
        "user": user.pk,
        "cookie": _signed_in(user),
    }


def _fill(cursor: Any, values: dict[str, Any], *, searchable: bool) -> None:
    cursor.execute(_INDEXES)
    indexes = cursor.fetchall()
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for name, _ in indexes:
        cursor.execute(f'DROP INDEX "{name}"')
    cursor.execute(_USERS, values)
    for name, definition in indexes:
        if searchable or name != _SEARCHES:
            cursor.execute(definition)
    cursor.execute("VACUUM ANALYZE")
    cursor.execute("CHECKPOINT")


def _signed_in(user: Any) -> str:
    """Sign the administrator in; returns the session's key."""
    from django.test import Client

    client = Client()
    client.force_login(user)
    key: str = client.session.session_key or ""
    return key


def main() -> None:
    """Fill the database of the environment."""
    import django

    django.setup()
    from django.db import connection

    parser = argparse.ArgumentParser(prog="benchmarks.screen_data")
    parser.add_argument("--subscribers", type=int, required=True)
    parser.add_argument("--plain", action="store_true", help="nobody will search")
    given = parser.parse_args()
    with connection.cursor() as cursor:
        print(json.dumps(make(cursor, given.subscribers, searchable=not given.plain)))


if __name__ == "__main__":
    main()
