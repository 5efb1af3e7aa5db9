"""Find letters that are stored as a letter and a mark, as some systems write å and ö."""

from django.db import migrations

FOLDED = """
CREATE OR REPLACE FUNCTION provisioning_folded(t text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN replace(translate(lower({text}), 'åäáàâãøöóòôõéèêëíìîïúùûüñçýÿ',
                                     'aaaaaaooooooeeeeiiiiuuuuncyy'), 'æ', 'ae');
"""
REFILL = """
UPDATE provisioning_usertext AS found
   SET text = provisioning_search_text(one.broadworks_id, first_name, last_name, email,
                                       primary_phone, mobile_phone, extension)
  FROM provisioning_subscriber AS one
 WHERE id = subscriber_id
   AND (one.broadworks_id || first_name || last_name || email) IS NOT NFC NORMALIZED;
"""


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0008_texts_beside_users")]

    operations = [
        migrations.RunSQL(FOLDED.format(text="normalize(t, NFC)"), FOLDED.format(text="t")),
        migrations.RunSQL(REFILL, REFILL),
    ]
