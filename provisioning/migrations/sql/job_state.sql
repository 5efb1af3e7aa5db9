-- A job changes its state in legal ways only, whoever changes it: all others are refused, as a
-- violation of the rule `job_state`.
--
-- Mirrors: provisioning.states.TRANSITIONS (tests/provisioning/jobs/test_transitions.py compares
-- the two).

CREATE OR REPLACE FUNCTION job_state() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE TRIGGER job_state BEFORE UPDATE OF state ON provisioning_job
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION job_state();
