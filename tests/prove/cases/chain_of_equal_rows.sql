-- verdict: same
-- order: 1 3 2
-- not_compared: public.node.id: generated
-- 1: table
CREATE TABLE node (id serial PRIMARY KEY, name text, before int REFERENCES node);
-- 2: chain
INSERT INTO node (name) VALUES ('first');
DO $$ BEGIN FOR i IN 1..9 LOOP
    INSERT INTO node (name, before) VALUES ('next', lastval());
END LOOP; END $$;
-- 3: other
INSERT INTO node (name) VALUES ('alone');
