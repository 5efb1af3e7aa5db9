-- Every change of a job's state is written down (JobEvent), in the transaction that makes it: when,
-- from what to what, how often the job had been sent, and the beginning of its result's text.
-- A job is born without history.

CREATE OR REPLACE FUNCTION job_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO provisioning_jobevent (job_id, at, before, after, sends, reason)
  SELECT n.id, clock_timestamp(), o.state, n.state, n.sends, left(n.result_text, 200)
    FROM old_jobs o JOIN new_jobs n ON n.id = o.id
   WHERE o.state <> n.state;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER job_history AFTER UPDATE ON provisioning_job
  REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
  FOR EACH STATEMENT EXECUTE FUNCTION job_history();
