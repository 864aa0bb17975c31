-- verdict: fails
-- pair: 3 2
-- message: 003_keys fails before 002_rows, and in the other order 002_rows fails before 003_keys
-- order: 1 3 2
-- 1: users
CREATE TABLE users (id serial PRIMARY KEY);
-- 2: rows
INSERT INTO users DEFAULT VALUES;
INSERT INTO users DEFAULT VALUES;
INSERT INTO users VALUES (2);
-- 3: keys
INSERT INTO users VALUES (1);
INSERT INTO users DEFAULT VALUES;
