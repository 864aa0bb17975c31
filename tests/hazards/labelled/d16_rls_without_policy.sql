-- expect: row-security
-- Security review, item 4
GRANT SELECT ON addresses TO PUBLIC;
ALTER TABLE addresses ENABLE ROW LEVEL SECURITY;
