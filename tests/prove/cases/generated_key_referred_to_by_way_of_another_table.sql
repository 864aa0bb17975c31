-- verdict: same
-- order: 1 3 2
-- not_compared: public.person.id: generated
-- 1: tables
CREATE TABLE person (id serial PRIMARY KEY, name text);
CREATE TABLE purchase (person int REFERENCES person, no int, PRIMARY KEY (person, no));
CREATE TABLE line (person int, no int, item text, FOREIGN KEY (person, no) REFERENCES purchase);
-- 2: ann
INSERT INTO person (name) VALUES ('ann');
INSERT INTO purchase SELECT id, 1 FROM person WHERE name = 'ann';
INSERT INTO line SELECT id, 1, 'book' FROM person WHERE name = 'ann';
-- 3: eve
INSERT INTO person (name) VALUES ('eve');
INSERT INTO purchase SELECT id, 1 FROM person WHERE name = 'eve';
INSERT INTO line SELECT id, 1, 'pen' FROM person WHERE name = 'eve';
