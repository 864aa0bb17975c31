-- verdict: different
-- pair: 3 2
-- message: rows of table public.line
-- order: 1 3 2
-- 1: tables
CREATE TABLE person (id serial PRIMARY KEY, name text);
CREATE TABLE purchase (person int REFERENCES person, no int, PRIMARY KEY (person, no));
CREATE TABLE line (person int, no int, item text, FOREIGN KEY (person, no) REFERENCES purchase);
-- 2: ann
INSERT INTO person (name) VALUES ('ann');
INSERT INTO purchase SELECT id, 1 FROM person WHERE name = 'ann';
-- 3: eve
INSERT INTO person (name) VALUES ('eve');
INSERT INTO purchase SELECT id, 1 FROM person WHERE name = 'eve';
INSERT INTO line SELECT person, no, 'pen' FROM purchase WHERE person = 1;
