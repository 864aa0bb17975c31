--
-- Raw SQL operation
--
ALTER TABLE users ADD COLUMN email text;
