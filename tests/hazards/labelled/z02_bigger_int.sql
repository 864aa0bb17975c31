-- expect: rewrite at large, nothing at small
ALTER TABLE order_items ALTER COLUMN quantity TYPE bigint;
