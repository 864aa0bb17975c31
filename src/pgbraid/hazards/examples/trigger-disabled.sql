-- before
CREATE TABLE orders (id bigint PRIMARY KEY);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER orders_note BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note();
-- bad
ALTER TABLE orders DISABLE TRIGGER orders_note;
-- good
ALTER TABLE orders DISABLE TRIGGER orders_note;
UPDATE orders SET id = 17 WHERE id = 18;
ALTER TABLE orders ENABLE TRIGGER orders_note;
