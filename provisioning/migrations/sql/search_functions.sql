-- What a search looks at, how it folds letters, and which pieces of a text are looked up: said here
-- alone, used by user_text.sql, by the index `usertext_grams` and by provisioning.lists.search.
--
-- All are immutable, so that an index can be made of them; dear, so that PostgreSQL prefers the
-- index to computing them row by row. To change what they return, UserText and its index have to
-- be made anew as well.

-- Plain small letters; normalized, as some systems write å and ö as a letter and a mark.
CREATE OR REPLACE FUNCTION provisioning_folded(t text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN replace(translate(lower(normalize(t, NFC)), 'åäáàâãøöóòôõéèêëíìîïúùûüñçýÿ',
                                     'aaaaaaooooooeeeeiiiiuuuuncyy'), 'æ', 'ae');

CREATE OR REPLACE FUNCTION provisioning_digits(t text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN regexp_replace(t, '[^0-9]', '', 'g');

-- All that is searched of a user.
CREATE OR REPLACE FUNCTION provisioning_search_text(
    broadworks_id text, first_name text, last_name text, email text,
    primary_phone text, mobile_phone text, extension text
) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN provisioning_folded(
    broadworks_id || ' ' || first_name || ' ' || last_name || ' ' || email || ' '
    || provisioning_digits(primary_phone) || ' ' || provisioning_digits(mobile_phone) || ' '
    || provisioning_digits(extension) || ' ' || provisioning_digits(broadworks_id));

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
    SELECT array_agg(DISTINCT hashtext(substr(
             folded, 1 + round((length(folded) - size) * part / 4.0)::integer, size)))
      FROM (SELECT provisioning_folded(word) AS folded,
                   CASE WHEN length(provisioning_folded(word)) < 4 THEN 2 ELSE 4 END AS size) AS of,
           generate_series(0, 4) AS part
     WHERE length(folded) >= 2
  );
