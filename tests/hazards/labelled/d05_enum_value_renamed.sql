-- expect: enum-label-renamed
ALTER TYPE order_status RENAME VALUE 'packed' TO 'ready';
COMMENT ON TYPE order_status IS 'ready: packed and waiting for the carrier';
