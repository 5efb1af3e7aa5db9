-- The request log is only ever added to, whoever asks: the judge trusts it. UPDATE, DELETE and
-- TRUNCATE are refused.

CREATE OR REPLACE FUNCTION simulator_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME;
END $$;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON simulator_request
  FOR EACH STATEMENT EXECUTE FUNCTION simulator_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON simulator_answer
  FOR EACH STATEMENT EXECUTE FUNCTION simulator_append_only();
