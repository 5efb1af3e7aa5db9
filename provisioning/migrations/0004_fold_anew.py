"""Write the texts that users are found and sorted by anew, by the folding of 0003.

In pieces, each its own transaction, so that nobody waits long for a row; only rows that come out
otherwise are written. It may be broken off and run again. Until a row's turn it is found and sorted
as before.
"""

from __future__ import annotations

from django.db import migrations

#: Users at a time.
PIECE = 2000
_FOLD = """
WITH users AS MATERIALIZED (
  SELECT s.id, x.name_key, x.text
    FROM provisioning_subscriber s LEFT JOIN provisioning_usertext t ON t.subscriber_id = s.id,
         LATERAL (SELECT provisioning_name_key(s.first_name, s.last_name) AS name_key,
                         provisioning_search_text(
                             s.broadworks_id, s.first_name, s.last_name, s.email,
                             s.primary_phone, s.mobile_phone, s.extension) AS text OFFSET 0) x
   WHERE s.id > %(after)s AND s.id <= %(after)s + %(piece)s
     AND (s.name_key <> x.name_key OR (t.name_key, t.text) <> (x.name_key, x.text))
   ORDER BY s.id FOR NO KEY UPDATE OF s
), sorted AS (
  UPDATE provisioning_subscriber s SET name_key = u.name_key
    FROM users u WHERE s.id = u.id AND s.name_key <> u.name_key
)
UPDATE provisioning_usertext t SET name_key = u.name_key, text = u.text
  FROM users u WHERE t.subscriber_id = u.id
"""


def fold_anew(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM provisioning_subscriber")
        [last] = cursor.fetchone()
        for after in range(0, last, PIECE):
            cursor.execute(_FOLD, {"after": after, "piece": PIECE})


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("provisioning", "0003_one_folding")]

    operations = [migrations.RunPython(fold_anew, migrations.RunPython.noop)]
