-- verdict: same
-- order: 1 3 2
-- 1: table
CREATE TABLE t (a text);
-- 2: fillfactor
ALTER TABLE t SET (fillfactor = 70, toast.autovacuum_enabled = false);
-- 3: autovacuum
ALTER TABLE t SET (autovacuum_enabled = false, toast.log_autovacuum_min_duration = 5);
