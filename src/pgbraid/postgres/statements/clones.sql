-- name: server_facts
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.pg_backend_pid(),
       pg_catalog.current_setting('server_version'), CURRENT_USER::pg_catalog.text,
       (SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
-- name: share_run
-- While a session holds this lock, the databases of the run with this number are in use.
SELECT pg_catalog.pg_advisory_lock_shared(%(class)s, %(number)s)
-- name: try_template_lock
SELECT pg_catalog.pg_try_advisory_lock(%(class)s, %(number)s)
-- name: release_template_lock
SELECT pg_catalog.pg_advisory_unlock(%(class)s, %(number)s)
-- name: template_state
-- Whether the database is a complete template of ours; no row if it is none of ours.
SELECT datistemplate AND NOT datallowconn, pg_catalog.shobj_description(oid, 'pg_database')
  FROM pg_catalog.pg_database
 WHERE datname = %(name)s AND datconnlimit = %(mark)s
-- name: all_templates
SELECT datname::pg_catalog.text, pg_catalog.shobj_description(oid, 'pg_database')
  FROM pg_catalog.pg_database
 WHERE datname ~ %(pattern)s AND datconnlimit = %(mark)s AND datistemplate
-- name: template_settings
SELECT coalesce(r.rolname, '')::pg_catalog.text, pg_catalog.unnest(s.setconfig)
  FROM pg_catalog.pg_db_role_setting s
  JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
 WHERE d.datname = %(name)s
-- name: template_grants
-- CREATE DATABASE copies neither the grants on a template nor its owner. An empty grantee is PUBLIC.
SELECT coalesce(r.rolname, '')::pg_catalog.text, a.privilege_type, a.is_grantable
  FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
 WHERE d.datname = %(name)s AND a.grantee <> d.datdba
-- name: template_owner
-- The owner, whether the database has grants, and whether our role cannot give a clone to the owner, or need not.
SELECT r.rolname::pg_catalog.text, d.datacl IS NOT NULL,
       r.rolname = CURRENT_USER OR NOT pg_catalog.pg_has_role(r.oid, 'MEMBER')
  FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
 WHERE d.datname = %(name)s
-- name: sessions_of
SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = %(name)s
-- name: end_sessions
SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = %(name)s
