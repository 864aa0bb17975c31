module.exports = class CreateUsers1714554000000 {
  async up(queryRunner) {
    await queryRunner.query(`CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO users (id, name) VALUES (1, 'Ada; the first user');
`);
  }

  async down(queryRunner) {
    await queryRunner.query(`DROP TABLE users;
`);
  }
};
