-- verdict: different
-- pair: 3 2
-- message: rule nothing on public.t
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a int);
-- 2: on_delete
CREATE OR REPLACE RULE nothing AS ON DELETE TO t DO INSTEAD NOTHING;
-- 3: on_update
CREATE OR REPLACE RULE nothing AS ON UPDATE TO t DO INSTEAD NOTHING;
