-- verdict: different
-- pair: 3 2
-- message: rows of table public.users
-- order: 1 3 2 4
-- 1: tables
CREATE TABLE roles (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text UNIQUE,
                    place serial);
CREATE TABLE users (name text, role_id uuid REFERENCES roles);
-- 2: admin
INSERT INTO roles (name) VALUES ('admin');
-- 3: guest
INSERT INTO roles (name) VALUES ('guest');
-- 4: eve
INSERT INTO users SELECT 'eve', id FROM roles WHERE place = 1;
