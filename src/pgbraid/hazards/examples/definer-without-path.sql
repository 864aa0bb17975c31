-- before
CREATE TABLE orders (id bigint PRIMARY KEY);
-- bad
CREATE FUNCTION number_of_orders() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS 'SELECT count(*) FROM orders';
-- good
CREATE FUNCTION number_of_orders() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public AS 'SELECT count(*) FROM orders';
