-- verdict: same
-- order: 1 3 2 4
-- not_compared: public.person.id: generated
-- 1: tables
CREATE TABLE role (id serial PRIMARY KEY, name text);
CREATE TABLE person (id serial PRIMARY KEY, name text, role int REFERENCES role);
-- 2: ann
INSERT INTO role (name) VALUES ('{admin} (a)');
INSERT INTO person (name, role) SELECT 'ann', max(id) FROM role;
-- 3: eve
INSERT INTO role (name) VALUES ('guest');
INSERT INTO person (name, role) SELECT 'eve', max(id) FROM role;
-- 4: views
CREATE MATERIALIZED VIEW card AS
WITH named AS (SELECT id AS "the {id}", name, role FROM person WHERE name <> '} \{')
SELECT n."the {id}" AS "who {", n.name, n.role AS "what }", (SELECT r.name FROM role r WHERE r.id = n.role) AS title
  FROM (SELECT * FROM named) AS n ORDER BY n.name || '{';
CREATE MATERIALIZED VIEW again AS SELECT c."who {" AS a, c."what }" AS b, r.name FROM card c JOIN role r ON r.id = c."what }";
DELETE FROM person WHERE name = 'ann';
