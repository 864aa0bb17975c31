--! Previous: sha1:dc85ba53df3caa50b9c8350220ec87b627ee71f0
--! Hash: sha1:8b5df3084422434c23f271641416d5baed46413c
--! Message: order total

CREATE FUNCTION order_total(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO total FROM orders WHERE user_id = wanted;
    RETURN total;
END;
$$;
