-- before
CREATE TABLE accounts (id bigint PRIMARY KEY, email text);
-- bad
ALTER TABLE accounts ADD CONSTRAINT accounts_email UNIQUE (email);
-- good
CREATE TABLE invitations (id bigint PRIMARY KEY, email text);
ALTER TABLE invitations ADD CONSTRAINT invitations_email UNIQUE (email);
-- instead
-- pgbraid: no-transaction
CREATE UNIQUE INDEX CONCURRENTLY accounts_email ON accounts (email);
-- instead
ALTER TABLE accounts ADD CONSTRAINT accounts_email UNIQUE USING INDEX accounts_email;
