module.exports = {
  up: (queryInterface) => queryInterface.sequelize.query(`ALTER TABLE users ADD COLUMN email text;
`),
  down: (queryInterface) => queryInterface.sequelize.query(`ALTER TABLE users DROP COLUMN email;
`),
};
