exports.up = (knex) => knex.raw(`ALTER TABLE users ADD COLUMN email text;
`);

exports.down = (knex) => knex.raw(`ALTER TABLE users DROP COLUMN email;
`);
