-- UserText has one row for each live user (deleted_at IS NULL) and no others, with what the user is
-- found and sorted by. It is written by the statements that change one of these texts, and by no
-- others: a change of status leaves its indexes alone.
--
-- Needs search_functions.sql. Checked by rule I7 of provisioning.invariants.

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

CREATE OR REPLACE TRIGGER users_found_in AFTER INSERT ON provisioning_subscriber
  REFERENCING NEW TABLE AS new_users FOR EACH STATEMENT EXECUTE FUNCTION users_found();
CREATE OR REPLACE TRIGGER users_found_anew AFTER UPDATE ON provisioning_subscriber
  FOR EACH ROW WHEN (
    (OLD.template_id, OLD.broadworks_id, OLD.first_name, OLD.last_name, OLD.email,
     OLD.primary_phone, OLD.mobile_phone, OLD.extension, OLD.deleted_at)
    IS DISTINCT FROM
    (NEW.template_id, NEW.broadworks_id, NEW.first_name, NEW.last_name, NEW.email,
     NEW.primary_phone, NEW.mobile_phone, NEW.extension, NEW.deleted_at))
  EXECUTE FUNCTION users_found();
CREATE OR REPLACE TRIGGER users_found_out AFTER DELETE ON provisioning_subscriber
  REFERENCING OLD TABLE AS old_users FOR EACH STATEMENT EXECUTE FUNCTION users_found();
