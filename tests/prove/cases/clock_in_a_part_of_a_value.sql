-- verdict: different
-- pair: 3 2
-- message: rows of table public.note
-- order: 1 3 2
-- not_compared: public.note.data: a part of 1 value differs
-- 1: tables
CREATE TABLE person (name text);
CREATE TABLE note (data jsonb);
-- 2: person
INSERT INTO person VALUES ('ann');
-- 3: note
INSERT INTO note SELECT jsonb_build_object('by', (SELECT max(name) FROM person), 'at', clock_timestamp());
