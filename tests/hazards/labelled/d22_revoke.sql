-- expect: privileges-lost
GRANT SELECT ON products TO PUBLIC;
REVOKE EXECUTE ON FUNCTION order_total(bigint) FROM PUBLIC;
