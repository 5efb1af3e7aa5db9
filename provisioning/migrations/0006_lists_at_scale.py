"""Lists of a million: counts and search texts that triggers keep, an index for each filter."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import provisioning.models.lists

#: One place for how a search folds letters, which pieces of a text are looked up, and what a search
#: looks at. All are immutable, so that an index can be made of them; dear, so that PostgreSQL
#: prefers the index to computing them row by row.
FUNCTIONS = """
CREATE FUNCTION provisioning_folded(t text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN replace(translate(lower(t), 'åäáàâãøöóòôõéèêëíìîïúùûüñçýÿ',
                                     'aaaaaaooooooeeeeiiiiuuuuncyy'), 'æ', 'ae');

CREATE FUNCTION provisioning_digits(t text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN regexp_replace(t, '[^0-9]', '', 'g');

CREATE FUNCTION provisioning_search_text(
    broadworks_id text, first_name text, last_name text, email text,
    primary_phone text, mobile_phone text, extension text
) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN provisioning_folded(
    broadworks_id || ' ' || first_name || ' ' || last_name || ' ' || email || ' '
    || provisioning_digits(primary_phone) || ' ' || provisioning_digits(mobile_phone) || ' '
    || provisioning_digits(extension) || ' ' || provisioning_digits(broadworks_id));

-- Every two and three neighbouring characters; templates are negative numbers.
CREATE FUNCTION provisioning_grams(t text, template_id bigint) RETURNS integer[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 10000
  RETURN (
    SELECT coalesce(array_agg(DISTINCT hashtext(substr(t, place, size))), '{}')
      FROM generate_series(1, length(t) - 1) AS place, generate_series(2, 3) AS size
     WHERE place + size - 1 <= length(t)
  ) || ARRAY[(-template_id)::integer];

-- Of a word, at most five pieces from its beginning to its end: each more costs more than it spares.
CREATE FUNCTION provisioning_grams_of(word text) RETURNS integer[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN (
    SELECT array_agg(DISTINCT hashtext(substr(
             provisioning_folded(word),
             1 + round((length(provisioning_folded(word)) - 3) * part / 4.0)::integer, 3)))
      FROM generate_series(0, 4) AS part
     WHERE length(provisioning_folded(word)) >= 3
  ) || CASE WHEN length(provisioning_folded(word)) = 2
            THEN ARRAY[hashtext(provisioning_folded(word))] ELSE '{}' END;
"""
NO_FUNCTIONS = """
DROP FUNCTION provisioning_grams_of(text);
DROP FUNCTION provisioning_grams(text, bigint);
DROP FUNCTION provisioning_search_text(text, text, text, text, text, text, text);
DROP FUNCTION provisioning_digits(text);
DROP FUNCTION provisioning_folded(text);
"""
FILL = """
INSERT INTO provisioning_usercount (template_id, status, package, error_key, n)
SELECT template_id, status, package, error_key, count(*)
  FROM provisioning_subscriber WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4;
INSERT INTO provisioning_searchtext (subscriber_id, template_id, text)
SELECT id, template_id, provisioning_search_text(broadworks_id, first_name, last_name, email,
                                                 primary_phone, mobile_phone, extension)
  FROM provisioning_subscriber WHERE deleted_at IS NULL;
"""
TRIGGERS = """
CREATE FUNCTION users_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO provisioning_usercount (template_id, status, package, error_key, n)
    SELECT template_id, status, package, error_key, count(*)
      FROM new_users WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO provisioning_usercount (template_id, status, package, error_key, n)
    SELECT template_id, status, package, error_key, -count(*)
      FROM old_users WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4;
  ELSE
    INSERT INTO provisioning_usercount (template_id, status, package, error_key, n)
    SELECT template_id, status, package, error_key, sum(n) FROM (
        SELECT template_id, status, package, error_key, 1 AS n FROM new_users WHERE deleted_at IS NULL
        UNION ALL
        SELECT template_id, status, package, error_key, -1 FROM old_users WHERE deleted_at IS NULL
      ) AS changes
     GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER users_counted_in AFTER INSERT ON provisioning_subscriber
  REFERENCING NEW TABLE AS new_users FOR EACH STATEMENT EXECUTE FUNCTION users_counted();
CREATE TRIGGER users_counted_anew AFTER UPDATE ON provisioning_subscriber
  REFERENCING OLD TABLE AS old_users NEW TABLE AS new_users
  FOR EACH STATEMENT EXECUTE FUNCTION users_counted();
CREATE TRIGGER users_counted_out AFTER DELETE ON provisioning_subscriber
  REFERENCING OLD TABLE AS old_users FOR EACH STATEMENT EXECUTE FUNCTION users_counted();

CREATE FUNCTION users_found() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO provisioning_searchtext (subscriber_id, template_id, text)
    SELECT id, template_id, provisioning_search_text(broadworks_id, first_name, last_name, email,
                                                     primary_phone, mobile_phone, extension)
      FROM new_users WHERE deleted_at IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    DELETE FROM provisioning_searchtext WHERE subscriber_id IN (SELECT id FROM old_users);
  ELSIF NEW.deleted_at IS NOT NULL THEN
    DELETE FROM provisioning_searchtext WHERE subscriber_id = NEW.id;
  ELSE
    INSERT INTO provisioning_searchtext (subscriber_id, template_id, text)
    VALUES (NEW.id, NEW.template_id,
            provisioning_search_text(NEW.broadworks_id, NEW.first_name, NEW.last_name, NEW.email,
                                     NEW.primary_phone, NEW.mobile_phone, NEW.extension))
        ON CONFLICT (subscriber_id)
        DO UPDATE SET template_id = excluded.template_id, text = excluded.text;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER users_found_in AFTER INSERT ON provisioning_subscriber
  REFERENCING NEW TABLE AS new_users FOR EACH STATEMENT EXECUTE FUNCTION users_found();
CREATE TRIGGER users_found_anew AFTER UPDATE ON provisioning_subscriber
  FOR EACH ROW WHEN (
    (OLD.template_id, OLD.broadworks_id, OLD.first_name, OLD.last_name, OLD.email,
     OLD.primary_phone, OLD.mobile_phone, OLD.extension, OLD.deleted_at)
    IS DISTINCT FROM
    (NEW.template_id, NEW.broadworks_id, NEW.first_name, NEW.last_name, NEW.email,
     NEW.primary_phone, NEW.mobile_phone, NEW.extension, NEW.deleted_at))
  EXECUTE FUNCTION users_found();
CREATE TRIGGER users_found_out AFTER DELETE ON provisioning_subscriber
  REFERENCING OLD TABLE AS old_users FOR EACH STATEMENT EXECUTE FUNCTION users_found();

-- Rows live for seconds there: dead ones must not slow the reads.
ALTER TABLE provisioning_usercount
  SET (autovacuum_vacuum_scale_factor = 0.2, autovacuum_vacuum_threshold = 1000);
"""
NO_TRIGGERS = """
DROP TRIGGER users_found_out ON provisioning_subscriber;
DROP TRIGGER users_found_anew ON provisioning_subscriber;
DROP TRIGGER users_found_in ON provisioning_subscriber;
DROP FUNCTION users_found();
DROP TRIGGER users_counted_out ON provisioning_subscriber;
DROP TRIGGER users_counted_anew ON provisioning_subscriber;
DROP TRIGGER users_counted_in ON provisioning_subscriber;
DROP FUNCTION users_counted();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_rest_between_full_passes'),
        ('provisioning', '0005_indexes_that_are_used'),
        ('templates_app', '0001_initial'),
    ]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.CreateModel(
            name='SearchText',
            fields=[
                ('subscriber', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='search_text', serialize=False, to='provisioning.subscriber')),
                ('template_id', models.BigIntegerField()),
                ('text', models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name='UserCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('template_id', models.BigIntegerField()),
                ('status', models.CharField(max_length=60)),
                ('package', models.CharField(max_length=40)),
                ('error_key', models.CharField(max_length=40)),
                ('n', models.IntegerField()),
            ],
        ),
        migrations.AddField(
            model_name='subscriber',
            name='error_key',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(models.Q(('error_code', ''), _negated=True), then=models.F('error_code')), models.When(models.Q(('status', 'error'), models.Q(('error_text', ''), _negated=True), _connector='OR'), then=models.Value('uncoded')), default=models.Value('none')), output_field=models.CharField(max_length=40)),
        ),
        migrations.AddField(
            model_name='subscriber',
            name='name_key',
            field=models.GeneratedField(db_persist=True, expression=models.Func(django.db.models.functions.text.Lower(django.db.models.functions.text.Concat('first_name', models.Value(' '), 'last_name')), models.Value('æäøöåáàâçéèêíïñóúü'), models.Value('{{||}aaaceeeiinouu'), function='TRANSLATE'), output_field=models.TextField(db_collation='C')),
        ),
        migrations.AlterField(
            model_name='subscriber',
            name='broadworks_id',
            field=models.CharField(max_length=200, verbose_name='BroadWorks ID'),
        ),
        migrations.AlterField(
            model_name='subscriber',
            name='partner',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='subscribers', to='accounts.partner'),
        ),
        migrations.AlterField(
            model_name='subscriber',
            name='status',
            field=models.CharField(max_length=60, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='subscriber',
            name='template',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='subscribers', to='templates_app.onboardingtemplate'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['template', 'status', '-last_change_at', '-id'], name='subscriber_status_page'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['template', 'package', '-last_change_at', '-id'], name='subscriber_package_page'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None), models.Q(('error_key', 'none'), _negated=True)), fields=['template', 'error_key', '-last_change_at', '-id'], name='subscriber_error_page'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None), models.Q(('status', 'provisioned'), _negated=True)), fields=['template', '-last_change_at', '-id'], name='subscriber_unready_page'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['template', 'broadworks_id', 'id', "status", "package", "error_key"], name='subscriber_id_page'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['template', 'name_key', 'id', "status", "package", "error_key"], name='subscriber_name_page'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(condition=models.Q(('deleted_at', None)), fields=['template', 'enterprise_id', 'backend_created_at', 'id'], name='subscriber_enterprise'),
        ),
        migrations.AddIndex(
            model_name='subscriber',
            index=models.Index(django.db.models.functions.text.Upper('broadworks_id'), name='subscriber_broadworks_id'),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name='searchtext',
            index=django.contrib.postgres.indexes.GinIndex(provisioning.models.lists.Grams(models.F('text'), models.F('template_id')), gin_pending_list_limit=256, name='searchtext_grams'),
        ),
        migrations.AddIndex(
            model_name='usercount',
            index=models.Index(fields=['template_id'], name='usercount_template'),
        ),
        migrations.RunSQL(TRIGGERS, NO_TRIGGERS),
    ]
