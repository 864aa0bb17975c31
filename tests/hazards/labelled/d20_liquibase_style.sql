-- expect: drop-column, rename-column
--liquibase formatted sql
--changeset ines:204
ALTER TABLE addresses RENAME zip TO postal_code;
--changeset ines:205
ALTER TABLE addresses DROP COLUMN IF EXISTS city, ADD COLUMN IF NOT EXISTS town text;
--rollback SELECT 1;
