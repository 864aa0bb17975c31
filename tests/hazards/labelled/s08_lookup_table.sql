-- expect: nothing
-- 250 rows
UPDATE countries SET name = upper(name);
ALTER TABLE countries ADD COLUMN vat_rate numeric(4,2);
CREATE INDEX countries_name_idx ON countries (name);
