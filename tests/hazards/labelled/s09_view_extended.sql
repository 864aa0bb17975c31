-- expect: nothing
CREATE OR REPLACE VIEW open_orders AS
    SELECT id, customer_id, status, placed_at
    FROM orders
    WHERE status IN ('new', 'paid');
GRANT SELECT ON open_orders TO PUBLIC;
