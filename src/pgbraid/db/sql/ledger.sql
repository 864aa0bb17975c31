-- name: read_applied
-- The one query of a run that has nothing to do. Time as text, as a role's DateStyle may be any.
SELECT version, name, checksum,
       pg_catalog.to_char(pg_catalog.timezone('UTC', applied_at::pg_catalog.timestamptz),
                          'YYYY-MM-DD HH24:MI:SS.US')
  FROM {tracker} ORDER BY version
-- name: schema_exists
SELECT count(*) > 0 FROM pg_catalog.pg_namespace WHERE nspname = %(schema)s
-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema}
-- name: columns
SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, NULL)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = %(schema)s AND c.relname IN (%(table)s, %(journal)s)
   AND a.attnum > 0 AND NOT a.attisdropped
-- name: create_tracker
CREATE TABLE IF NOT EXISTS {tracker} (
    version    bigint      PRIMARY KEY,
    name       text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    checksum   text
)
-- name: create_journal
CREATE TABLE IF NOT EXISTS {journal} (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      uuid        NOT NULL,
    event       text        NOT NULL,
    version     bigint,
    name        text,
    happened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    role_name   text        NOT NULL DEFAULT session_user,
    application text        NOT NULL DEFAULT current_setting('application_name'),
    duration    interval,
    checksum    text,
    statement   text,
    detail      jsonb
)
-- name: comment_journal
COMMENT ON TABLE {journal} IS
    'What pgbraid did, in order of id; the applied set is the table without _journal.'
-- name: is_applied
SELECT count(*) > 0 FROM {tracker} WHERE version = %(version)s
-- name: add
INSERT INTO {tracker} (version, name, applied_at, checksum)
VALUES (%(version)s, %(name)s, now(), %(checksum)s)
-- name: adopt
INSERT INTO {tracker} (version, name, applied_at, checksum)
VALUES (%(version)s, %(name)s, now(), NULL)
ON CONFLICT DO NOTHING
-- name: repair
UPDATE {tracker} SET name = %(name)s, checksum = %(checksum)s WHERE version = %(version)s
-- name: remove
DELETE FROM {tracker} WHERE version = %(version)s
-- name: journal_add
INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s, %(duration)s, %(checksum)s,
        %(statement)s, %(detail)s)
-- name: journal_add_timed
-- Inside the migration's transaction, whose start is when its body began.
INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
        clock_timestamp() - transaction_timestamp(), %(checksum)s, %(statement)s, %(detail)s)
RETURNING EXTRACT(epoch FROM duration)::float8
-- name: journal_texts
-- Runs before the search path is pinned, hence the qualified operators.
SELECT DISTINCT ON (version) version, checksum, statement
  FROM {journal}
 WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
   AND event OPERATOR(pg_catalog.=) ANY ('{{applied,repaired}}'::pg_catalog.text[])
   AND statement IS NOT NULL
 ORDER BY version, id DESC
-- name: foreign_columns
SELECT n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, NULL)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
 WHERE n.nspname OPERATOR(pg_catalog.=) ANY (%(schemas)s::pg_catalog.name[])
   AND c.relname OPERATOR(pg_catalog.=) ANY (%(tables)s::pg_catalog.name[])
   AND c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog."char"[])
   AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
 ORDER BY n.nspname, c.relname, a.attnum
