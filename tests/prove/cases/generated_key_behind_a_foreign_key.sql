-- verdict: different
-- pair: 3 2
-- message: rows of table public.users
-- order: 1 3 2 4
-- 1: tables
CREATE TABLE roles (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE users (name text, role_id int REFERENCES roles);
-- 2: admin
INSERT INTO roles (name) VALUES ('admin');
-- 3: guest
INSERT INTO roles (name) VALUES ('guest');
-- 4: eve
INSERT INTO users VALUES ('eve', 1);
