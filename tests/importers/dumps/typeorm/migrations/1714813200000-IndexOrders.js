module.exports = class IndexOrders1714813200000 {
  transaction = false;

  async up(queryRunner) {
    await queryRunner.query(`CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
`);
  }

  async down(queryRunner) {
    await queryRunner.query(`DROP INDEX CONCURRENTLY orders_user_id;
`);
  }
};
