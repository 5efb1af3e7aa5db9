-- One folding of letters for what users are searched and sorted by, the same as common/folding.py.
-- It takes the place of three functions of search_functions.sql and of the generated `name_key`.
--
-- Needs provisioning_letters(), which the migration makes of folded_letters.json. Immutable, so
-- that an index could be made of them; to change what they return, UserText and Subscriber.name_key
-- have to be written anew, as migration 0004 does.

-- Plain small letters. Most texts are ASCII without punctuation that counts, and need no table.
CREATE OR REPLACE FUNCTION provisioning_folded(t text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  plain text := t;
BEGIN
  IF octet_length(t) <> length(t) THEN
    -- Spacing accents stand for apostrophes; their decomposition would be a blank.
    SELECT coalesce(string_agg(coalesce(provisioning_letters() -> 'plain' ->> c, c), '' ORDER BY n), '')
      INTO plain
      FROM string_to_table(normalize(
             translate(t, U&'\00B4\1FFD\1FBD\1FBF\1FFE', ''''''''''''), NFKD), NULL)
           WITH ORDINALITY AS x (c, n);
  END IF;
  IF plain ~ E'[\\x01-\\x1f\\x7f,;\'"`]' THEN
    plain := regexp_replace(translate(plain, '''"`', ''), '[\x01-\x1f\x7f,;]', ' ', 'g');
  END IF;
  RETURN lower(plain COLLATE "C");
END $$;

-- The same for texts of which one writes å, ü, Γ and the other aa, ue, G; of folded ones.
CREATE OR REPLACE FUNCTION provisioning_spelled(folded text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  latin text := folded;
BEGIN
  IF octet_length(folded) <> length(folded) THEN
    SELECT string_agg(coalesce(provisioning_letters() -> 'latin' ->> c, c), '' ORDER BY n)
      INTO latin FROM string_to_table(folded, NULL) WITH ORDINALITY AS x (c, n);
  END IF;
  RETURN replace(replace(replace(replace(latin, 'aa', 'a'), 'ae', 'a'), 'oe', 'o'), 'ue', 'u');
END $$;

-- Digits of a number, as it would be dialled from anywhere: 0045… and +45 (0)… as +45….
CREATE OR REPLACE FUNCTION provisioning_number(phone text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
  IF phone ~ '^[+]?[0-9]*$' THEN
    RETURN ltrim(phone, '+0');
  END IF;
  RETURN ltrim(regexp_replace(replace(provisioning_folded(phone), '(0)', ''), '[^0-9]+', '', 'g'), '0');
END $$;

-- One label of a domain without its xn--, decoded (RFC 3492); '' when it is not well formed.
CREATE OR REPLACE FUNCTION provisioning_decoded_label(label text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  cut CONSTANT integer := length(label) - position('-' IN reverse(label));
  letters text[] := CASE WHEN position('-' IN label) > 0
                         THEN string_to_array(left(label, cut), NULL) ELSE '{}' END;
  rest text := CASE WHEN position('-' IN label) > 0 THEN substr(label, cut + 2) ELSE label END;
  code bigint := 128;
  place bigint := 0;
  bias integer := 72;
  before bigint;
  weight bigint;
  k integer;
  digit integer;
  threshold integer;
  delta bigint;
  size integer;
BEGIN
  WHILE rest <> '' LOOP
    before := place;
    weight := 1;
    k := 36;
    LOOP
      digit := position(left(rest, 1) IN 'abcdefghijklmnopqrstuvwxyz0123456789') - 1;
      rest := substr(rest, 2);
      place := place + digit * weight;
      IF digit < 0 OR place > 100000000 THEN RETURN ''; END IF;
      threshold := greatest(1, least(26, k - bias));
      EXIT WHEN digit < threshold;
      weight := weight * (36 - threshold);
      k := k + 36;
      IF rest = '' OR weight > 100000000 THEN RETURN ''; END IF;
    END LOOP;
    size := coalesce(array_length(letters, 1), 0) + 1;
    delta := (place - before) / CASE WHEN before = 0 THEN 700 ELSE 2 END;
    delta := delta + delta / size;
    bias := 0;
    WHILE delta > 455 LOOP
      delta := delta / 35;
      bias := bias + 36;
    END LOOP;
    bias := bias + 36 * delta / (delta + 38);
    code := code + place / size;
    place := place % size;
    IF code > 1114111 OR code BETWEEN 55296 AND 57343 THEN RETURN ''; END IF;
    letters := letters[:place] || chr(code::integer) || letters[place + 1:];
    place := place + 1;
  END LOOP;
  RETURN array_to_string(letters, '');
END $$;

-- An address as people see it, where its domain is written otherwise; else ''.
CREATE OR REPLACE FUNCTION provisioning_seen_address(address text) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
  IF position('xn--' IN lower(address COLLATE "C")) = 0 THEN
    RETURN '';
  END IF;
  RETURN split_part(address, '@', 1) || '@' || (
    SELECT string_agg(CASE WHEN label LIKE 'xn--%'
                           THEN coalesce(nullif(provisioning_decoded_label(substr(label, 5)), ''), label)
                           ELSE label END, '.' ORDER BY n)
      FROM string_to_table(lower(split_part(address, '@', 2) COLLATE "C"), '.')
           WITH ORDINALITY AS x (label, n));
END $$;

-- All that is searched of a user.
CREATE OR REPLACE FUNCTION provisioning_search_text(
    broadworks_id text, first_name text, last_name text, email text,
    primary_phone text, mobile_phone text, extension text
) RETURNS text
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
  name CONSTANT text := provisioning_folded(first_name || ' ' || last_name);
  spelled CONSTANT text := provisioning_spelled(name);
BEGIN
  RETURN provisioning_folded(broadworks_id) || ' ' || name || ' ' || provisioning_folded(email) || ' '
    || provisioning_number(primary_phone) || ' ' || provisioning_number(mobile_phone) || ' '
    || regexp_replace(extension, '[^0-9]+', '', 'g') || ' '
    || regexp_replace(broadworks_id, '[^0-9]+', '', 'g')
    || CASE WHEN spelled = name THEN '' ELSE ' ' || spelled END
    || CASE WHEN position('xn--' IN lower(email COLLATE "C")) = 0 THEN ''
            ELSE ' ' || provisioning_folded(provisioning_seen_address(email)) END;
END $$;

-- What a name is sorted by: the letters of search, but for æ ø å, which end the Danish alphabet.
CREATE OR REPLACE FUNCTION provisioning_name_key(first_name text, last_name text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN btrim(provisioning_folded(translate(
    CASE WHEN octet_length(first_name || last_name) = length(first_name || last_name)
         THEN first_name || ' ' || last_name
         ELSE normalize(first_name || ' ' || last_name, NFC) END,
    'ÆæǼǽǢǣÄäǞǟØøǾǿÖöȪȫÅåǺǻ', '{{{{{{{{{{||||||||}}}}')));

CREATE OR REPLACE FUNCTION users_sorted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.name_key := provisioning_name_key(NEW.first_name, NEW.last_name);
  RETURN NEW;
END $$;

ALTER TABLE provisioning_subscriber ALTER COLUMN name_key DROP EXPRESSION IF EXISTS;
CREATE OR REPLACE TRIGGER users_sorted_in BEFORE INSERT ON provisioning_subscriber
  FOR EACH ROW EXECUTE FUNCTION users_sorted();
CREATE OR REPLACE TRIGGER users_sorted_anew BEFORE UPDATE ON provisioning_subscriber
  FOR EACH ROW WHEN ((OLD.first_name, OLD.last_name, OLD.name_key)
                     IS DISTINCT FROM (NEW.first_name, NEW.last_name, NEW.name_key))
  EXECUTE FUNCTION users_sorted();
