"""One folding of letters for search and order; what is stored by the old one, 0004 writes anew."""

from __future__ import annotations

from django.db import migrations, models

from common.migration_sql import read_sql_file, run_sql_file

_LETTERS = """
CREATE OR REPLACE FUNCTION provisioning_letters() RETURNS jsonb
  LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $letters${}$letters$::jsonb
"""


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0002_mail_intent_and_passwords")]

    operations = [
        migrations.RunSQL(
            _LETTERS.format(read_sql_file("provisioning", "folded_letters.json")),
            migrations.RunSQL.noop,
        ),
        run_sql_file("provisioning", "folding.sql"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "subscriber",
                    "name_key",
                    models.TextField(blank=True, db_collation="C", default="", editable=False),
                )
            ],
        ),
    ]
