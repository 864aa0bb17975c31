-- expect: drop-table
-- Label corrected, it had rename-table, too: at the end a table with the old name is there.
CREATE TABLE flags_new (LIKE feature_flags INCLUDING ALL);
INSERT INTO flags_new SELECT * FROM feature_flags;
ALTER TABLE feature_flags RENAME TO flags_old;
ALTER TABLE flags_new RENAME TO feature_flags;
DROP TABLE flags_old;
