module.exports = {
  up: (queryInterface) => queryInterface.sequelize.query(`CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO users (id, name) VALUES (1, 'Ada; the first user');
`),
  down: (queryInterface) => queryInterface.sequelize.query(`DROP TABLE users;
`),
};
