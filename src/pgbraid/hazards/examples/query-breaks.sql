-- before
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);
CREATE FUNCTION due(numeric) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
-- queries
SELECT id, due('1') FROM orders WHERE id = $1;
-- bad
CREATE FUNCTION due(date) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
-- good
CREATE FUNCTION due(numeric, date) RETURNS text LANGUAGE sql AS 'SELECT $1::text || $2::text';
