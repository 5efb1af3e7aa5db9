"""Keep what users are found and sorted by beside them, so that a change of status does not write
the indexes of it anew."""

import django.db.models.deletion
import django.db.models.functions.text
from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

import provisioning.models.lists

#: Whatever a text is cut into is also what it is looked up by.
GRAMS = """
-- Every two and four neighbouring characters; templates are negative numbers.
CREATE OR REPLACE FUNCTION provisioning_grams(t text, template_id bigint) RETURNS integer[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 10000
  RETURN (
    SELECT coalesce(array_agg(DISTINCT hashtext(substr(t, place, size))), '{}')
      FROM generate_series(1, length(t) - 1) AS place, (VALUES (2), (4)) AS of (size)
     WHERE place + size - 1 <= length(t)
  ) || ARRAY[(-template_id)::integer];

-- Of a word, at most five pieces from its beginning to its end: each more costs more than it spares.
CREATE OR REPLACE FUNCTION provisioning_grams_of(word text) RETURNS integer[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN (
    SELECT array_agg(DISTINCT hashtext(substr(folded, 1 + round((length(folded) - size) * part / 4.0)::integer, size)))
      FROM (SELECT provisioning_folded(word) AS folded,
                   CASE WHEN length(provisioning_folded(word)) < 4 THEN 2 ELSE 4 END AS size) AS of,
           generate_series(0, 4) AS part
     WHERE length(folded) >= 2
  );
"""
FILL = """
TRUNCATE provisioning_usertext;
INSERT INTO provisioning_usertext (subscriber_id, template_id, broadworks_id, name_key, text)
SELECT id, template_id, broadworks_id, name_key,
       provisioning_search_text(broadworks_id, first_name, last_name, email,
                                primary_phone, mobile_phone, extension)
  FROM provisioning_subscriber WHERE deleted_at IS NULL;
"""
TRIGGER = """
CREATE OR REPLACE FUNCTION users_found() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO provisioning_usertext (subscriber_id, template_id, broadworks_id, name_key, text)
    SELECT id, template_id, broadworks_id, name_key,
           provisioning_search_text(broadworks_id, first_name, last_name, email,
                                    primary_phone, mobile_phone, extension)
      FROM new_users WHERE deleted_at IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    DELETE FROM provisioning_usertext WHERE subscriber_id IN (SELECT id FROM old_users);
  ELSIF NEW.deleted_at IS NOT NULL THEN
    DELETE FROM provisioning_usertext WHERE subscriber_id = NEW.id;
  ELSE
    INSERT INTO provisioning_usertext (subscriber_id, template_id, broadworks_id, name_key, text)
    VALUES (NEW.id, NEW.template_id, NEW.broadworks_id, NEW.name_key,
            provisioning_search_text(NEW.broadworks_id, NEW.first_name, NEW.last_name, NEW.email,
                                     NEW.primary_phone, NEW.mobile_phone, NEW.extension))
        ON CONFLICT (subscriber_id)
        DO UPDATE SET template_id = excluded.template_id, broadworks_id = excluded.broadworks_id,
                      name_key = excluded.name_key, text = excluded.text;
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0007_exports_chosen_and_measured")]

    operations = [
        migrations.RemoveIndex("subscriber", "subscriber_id_page"),
        migrations.RemoveIndex("subscriber", "subscriber_name_page"),
        migrations.RemoveIndex("subscriber", "subscriber_broadworks_id"),
        migrations.RemoveIndex("subscriber", "subscriber_webex_id"),
        migrations.AddIndex(
            "subscriber",
            models.Index(
                django.db.models.functions.text.Upper("broadworks_id"),
                condition=models.Q(deleted_at__isnull=False),
                name="subscriber_broadworks_id_gone",
            ),
        ),
        migrations.AddIndex(
            "subscriber",
            models.Index(
                fields=["connection", "webex_id"],
                condition=models.Q(deleted_at__isnull=False),
                name="subscriber_webex_id_gone",
            ),
        ),
        migrations.RemoveIndex("searchtext", "searchtext_grams"),
        migrations.RenameModel("SearchText", "UserText"),
        migrations.AlterField(
            "usertext",
            "subscriber",
            models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="texts",
                serialize=False,
                to="provisioning.subscriber",
            ),
        ),
        migrations.AddField(
            "usertext", "broadworks_id", models.CharField(max_length=200, default=""), False
        ),
        migrations.AddField(
            "usertext", "name_key", models.TextField(db_collation="C", default=""), False
        ),
        migrations.RunSQL(GRAMS),
        migrations.RunSQL(FILL),
        migrations.RunSQL(TRIGGER),
        migrations.AddIndex(
            "usertext",
            models.Index(
                fields=["template_id", "broadworks_id", "subscriber"], name="usertext_id_page"
            ),
        ),
        migrations.AddIndex(
            "usertext",
            models.Index(
                fields=["template_id", "name_key", "subscriber"], name="usertext_name_page"
            ),
        ),
        migrations.AddIndex(
            "usertext",
            models.Index(
                django.db.models.functions.text.Upper("broadworks_id"),
                name="usertext_broadworks_id",
            ),
        ),
        migrations.AddIndex(
            "usertext",
            GinIndex(
                provisioning.models.lists.Grams(models.F("text"), models.F("template_id")),
                gin_pending_list_limit=256,
                name="usertext_grams",
            ),
        ),
    ]
