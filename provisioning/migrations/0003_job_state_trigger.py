"""The database refuses illegal changes of a job's state, and keeps the history of legal ones."""

from django.db import migrations, models
from django.db.models import Q

#: provisioning.states.TRANSITIONS as it was then; a test compares the two.
FORWARD = """
CREATE FUNCTION job_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (
    ('queued', 'sending'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('sending', 'queued'), ('sending', 'checking'), ('sending', 'waiting'),
    ('sending', 'done'), ('sending', 'failed'),
    ('checking', 'queued'), ('checking', 'waiting'), ('checking', 'done'), ('checking', 'failed'),
    ('waiting', 'done'), ('waiting', 'failed')
  ) THEN
    RAISE EXCEPTION 'job %: % to % is not a legal change of state', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'job_state';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER job_state BEFORE UPDATE OF state ON provisioning_job
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION job_state();

CREATE FUNCTION job_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO provisioning_jobevent (job_id, at, before, after, sends, reason)
  SELECT n.id, clock_timestamp(), o.state, n.state, n.sends, left(n.result_text, 200)
    FROM old_jobs o JOIN new_jobs n ON n.id = o.id
   WHERE o.state <> n.state;
  RETURN NULL;
END $$;
CREATE TRIGGER job_history AFTER UPDATE ON provisioning_job
  REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
  FOR EACH STATEMENT EXECUTE FUNCTION job_history();
"""
BACKWARD = """
DROP TRIGGER job_history ON provisioning_job;
DROP FUNCTION job_history();
DROP TRIGGER job_state ON provisioning_job;
DROP FUNCTION job_state();
"""


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0002_batches_and_gate")]
    operations = [
        # A request of the version before may be on its way: it is asked about.
        migrations.RunSQL(
            """
            UPDATE provisioning_job
               SET state = CASE WHEN intent_at IS NULL THEN 'queued' ELSE 'checking' END,
                   lease_token = NULL, lease_until = NULL
             WHERE state = 'sending';
            """,
            migrations.RunSQL.noop,
        ),
        migrations.AddConstraint(
            "job",
            models.CheckConstraint(
                name="job_sending_has_intent",
                condition=~Q(state="sending")
                | Q(intent_at__isnull=False, lease_token__isnull=False),
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
