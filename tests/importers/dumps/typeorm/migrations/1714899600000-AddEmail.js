module.exports = class AddEmail1714899600000 {
  async up(queryRunner) {
    await queryRunner.query(`ALTER TABLE users ADD COLUMN email text;
`);
  }

  async down(queryRunner) {
    await queryRunner.query(`ALTER TABLE users DROP COLUMN email;
`);
  }
};
