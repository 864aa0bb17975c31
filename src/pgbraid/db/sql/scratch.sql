-- name: facts
SELECT CURRENT_USER::pg_catalog.text,
       pg_catalog.current_setting('server_version'),
       (SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
-- name: hold
-- As long as this is held, the databases of this number are in use.
SELECT pg_catalog.pg_advisory_lock(%(class)s, %(number)s)
-- name: abandoned
-- Databases with our prefix and our mark whose maker is gone.
SELECT d.datname
  FROM pg_catalog.pg_database d
 WHERE d.datname ~ %(pattern)s AND d.datconnlimit = %(mark)s
   AND NOT EXISTS (
       SELECT FROM pg_catalog.pg_locks l
        WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
          AND l.classid::pg_catalog.int8 = %(class)s
          AND l.objid::pg_catalog.int8
              = pg_catalog.substring(d.datname::pg_catalog.text, %(pattern)s)::pg_catalog.int8)
-- name: roles
SELECT rolname FROM pg_catalog.pg_roles
-- name: extensions
SELECT extname FROM pg_catalog.pg_extension
