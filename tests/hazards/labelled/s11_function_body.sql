-- expect: nothing
CREATE OR REPLACE FUNCTION order_total(wanted bigint) RETURNS numeric
LANGUAGE plpgsql STABLE AS $fn$
DECLARE
    result numeric;
BEGIN
    -- an UPDATE orders SET ... in a comment is none
    SELECT coalesce(sum(quantity * price), 0) INTO result FROM order_items WHERE order_id = wanted;
    RETURN result;
END;
$fn$;
