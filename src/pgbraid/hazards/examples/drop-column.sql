-- before
CREATE TABLE orders (id bigint PRIMARY KEY, note text);
-- bad
ALTER TABLE orders DROP COLUMN note;
-- good
ALTER TABLE orders ADD COLUMN remark text;
ALTER TABLE orders DROP COLUMN remark;
