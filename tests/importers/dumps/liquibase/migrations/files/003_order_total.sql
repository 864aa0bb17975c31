--liquibase formatted sql

--changeset ada:3-order-total splitStatements:false runOnChange:true
CREATE OR REPLACE FUNCTION order_total(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO total FROM orders WHERE user_id = wanted;
    RETURN total;
END;
$$;
--rollback DROP FUNCTION order_total(bigint);
