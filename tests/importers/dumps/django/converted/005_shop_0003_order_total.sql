--
-- Raw SQL operation
--
CREATE FUNCTION order_total(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO total FROM orders WHERE user_id = wanted;
    RETURN total;
END;
$$;
