-- verdict: different
-- pair: 3 2
-- message: rows of table public.member
-- order: 1 3 2 4
-- 1: tables
CREATE TABLE person (id serial PRIMARY KEY, name text);
CREATE TABLE team (id serial PRIMARY KEY, name text);
CREATE TABLE member (person int REFERENCES person, team int REFERENCES team);
INSERT INTO team (name) VALUES ('red'), ('blue');
-- 2: ann
INSERT INTO person (name) VALUES ('ann');
-- 3: bob
INSERT INTO person (name) VALUES ('bob');
-- 4: members
INSERT INTO member VALUES (1, 1), (2, 2);
