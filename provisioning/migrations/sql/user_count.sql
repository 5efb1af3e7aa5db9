-- UserCount adds up to the live users (deleted_at IS NULL) of each template, status, package and
-- error key, at every moment and in every transaction. Each statement appends what it added and
-- took away; provisioning.lists.counts.fold adds the summands up now and then.
--
-- Checked by rule I7 of provisioning.invariants.

CREATE OR REPLACE FUNCTION users_counted() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE TRIGGER users_counted_in AFTER INSERT ON provisioning_subscriber
  REFERENCING NEW TABLE AS new_users FOR EACH STATEMENT EXECUTE FUNCTION users_counted();
CREATE OR REPLACE TRIGGER users_counted_anew AFTER UPDATE ON provisioning_subscriber
  REFERENCING OLD TABLE AS old_users NEW TABLE AS new_users
  FOR EACH STATEMENT EXECUTE FUNCTION users_counted();
CREATE OR REPLACE TRIGGER users_counted_out AFTER DELETE ON provisioning_subscriber
  REFERENCING OLD TABLE AS old_users FOR EACH STATEMENT EXECUTE FUNCTION users_counted();

-- Rows live for seconds there: dead ones must not slow the reads.
ALTER TABLE provisioning_usercount
  SET (autovacuum_vacuum_scale_factor = 0.2, autovacuum_vacuum_threshold = 1000);
