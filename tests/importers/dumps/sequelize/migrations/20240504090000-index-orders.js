module.exports = {
  up: (queryInterface) => queryInterface.sequelize.query(`CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
`),
  down: (queryInterface) => queryInterface.sequelize.query(`DROP INDEX CONCURRENTLY orders_user_id;
`),
};
