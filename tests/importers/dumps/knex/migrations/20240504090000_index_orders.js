exports.up = (knex) => knex.raw(`CREATE INDEX CONCURRENTLY orders_user_id ON orders (user_id);
`);

exports.down = (knex) => knex.raw(`DROP INDEX CONCURRENTLY orders_user_id;
`);

exports.config = { transaction: false };
