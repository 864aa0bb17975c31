-- expect: rename-function
-- order_total was misleading: it leaves the shipping out
ALTER FUNCTION order_total(bigint) RENAME TO order_items_total;
COMMENT ON FUNCTION order_items_total(bigint) IS 'Sum of the items, without shipping';
