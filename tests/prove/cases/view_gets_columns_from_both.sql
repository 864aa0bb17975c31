-- verdict: fails
-- pair: 3 2
-- message: cannot
-- order: 1 3 2
-- 1: view
CREATE VIEW v AS SELECT 1 AS a;
-- 2: two_columns
CREATE OR REPLACE VIEW v AS SELECT 1 AS a, 2 AS b;
-- 3: three_columns
CREATE OR REPLACE VIEW v AS SELECT 1 AS a, 2 AS b, 3 AS c;
