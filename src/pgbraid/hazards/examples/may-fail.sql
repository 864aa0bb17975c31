-- before
CREATE TABLE accounts (id bigint PRIMARY KEY, email text);
-- bad
-- pgbraid: no-transaction
CREATE UNIQUE INDEX CONCURRENTLY accounts_email ON accounts (email);
-- good
-- pgbraid: no-transaction
CREATE INDEX CONCURRENTLY accounts_email ON accounts (email);
