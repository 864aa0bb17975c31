module.exports = class CreateOrders1714640400000 {
  async up(queryRunner) {
    await queryRunner.query(`-- each order belongs to a user; the user must exist
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    note text NOT NULL DEFAULT 'none -- yet'
);
/* an order's amount; it's in cents */
ALTER TABLE orders ADD COLUMN amount bigint NOT NULL DEFAULT 0;
`);
  }

  async down(queryRunner) {
    await queryRunner.query(`DROP TABLE orders;
`);
  }
};
