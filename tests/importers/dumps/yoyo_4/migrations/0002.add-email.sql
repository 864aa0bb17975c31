-- depends: 0001.create-users
ALTER TABLE users ADD COLUMN email text;
