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
-- name: extensions
SELECT extname FROM pg_catalog.pg_extension
-- name: cluster
-- What every database of the server shares.
SELECT 'role', rolname::pg_catalog.text,
       pg_catalog.concat(rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
                         rolreplication, rolbypassrls),
       pg_catalog.concat_ws(' ', rolconnlimit, rolvaliduntil)
  FROM pg_catalog.pg_roles
 UNION ALL
SELECT 'member', r.rolname, m.rolname, a.admin_option::pg_catalog.text
  FROM pg_catalog.pg_auth_members a
  JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles m ON m.oid = a.member
 UNION ALL
SELECT 'setting', coalesce(r.rolname, 'every role'), s.setconfig::pg_catalog.text, NULL
  FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
 WHERE s.setdatabase = 0
 UNION ALL
SELECT 'database', datname, NULL, NULL FROM pg_catalog.pg_database WHERE datname NOT LIKE %(prefix)s
 UNION ALL
SELECT 'rest', 'tablespace', spcname, NULL FROM pg_catalog.pg_tablespace
 UNION ALL
SELECT 'rest', 'privileges of database', datname, datacl::pg_catalog.text
  FROM pg_catalog.pg_database WHERE datacl IS NOT NULL AND datname NOT LIKE %(prefix)s
-- name: subscriptions
SELECT subname FROM pg_catalog.pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database
                   WHERE datname = pg_catalog.current_database())
