module.exports = class OrderTotal1714726800000 {
  async up(queryRunner) {
    await queryRunner.query(`CREATE FUNCTION order_total(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
BEGIN
    SELECT coalesce(sum(amount), 0) INTO total FROM orders WHERE user_id = wanted;
    RETURN total;
END;
$$;
`);
  }

  async down(queryRunner) {
    await queryRunner.query(`DROP FUNCTION order_total(bigint);
`);
  }
};
