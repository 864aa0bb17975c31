-- name: facts
SELECT CURRENT_USER::pg_catalog.text,
       pg_catalog.current_setting('server_version'),
       (SELECT rolsuper OR rolcreatedb FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER),
       (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER)
-- name: lock_number
-- While a session holds this lock, the scratch databases with this number are in use.
SELECT pg_catalog.pg_advisory_lock(%(class)s, %(number)s)
-- name: abandoned
-- Databases with our prefix and our mark, created by a run that no longer holds its lock.
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
-- name: has_role
SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_roles WHERE rolname = %(name)s
-- name: is_empty
-- Whether the database has no relation and no function besides the server's own (oid below 16384).
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid >= 16384)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= 16384)
-- name: has_database
SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_database WHERE datname = %(name)s
-- name: cluster
-- The objects that the databases of a server share: the kind, then the facts, the name first. Roles that
-- were set aside belong to our scratch databases; they and all facts about them are left out.
WITH roles AS (
    SELECT * FROM pg_catalog.pg_roles WHERE rolname NOT LIKE %(aside)s
)
SELECT 'role', rolname::pg_catalog.text,
       pg_catalog.concat(rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
                         rolreplication, rolbypassrls),
       rolconnlimit::pg_catalog.text, rolvaliduntil::pg_catalog.text
  FROM roles
 UNION ALL
-- The options INHERIT and SET exist since PostgreSQL 16.
SELECT 'member', r.rolname, m.rolname, a.admin_option::pg_catalog.text,
       pg_catalog.concat_ws(' ', pg_catalog.to_jsonb(a) OPERATOR(pg_catalog.->>) 'inherit_option',
                            pg_catalog.to_jsonb(a) OPERATOR(pg_catalog.->>) 'set_option')
  FROM pg_catalog.pg_auth_members a
  JOIN roles r ON r.oid = a.roleid JOIN roles m ON m.oid = a.member
 UNION ALL
SELECT 'setting', coalesce(r.rolname, ''), coalesce(d.datname, ''), s.setconfig::pg_catalog.text, NULL
  FROM pg_catalog.pg_db_role_setting s
  LEFT JOIN roles r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
 WHERE (d.datname IS NULL OR d.datname NOT LIKE %(prefix)s)
   AND (s.setrole = 0 OR r.oid IS NOT NULL)
 UNION ALL
SELECT 'database', datname, r.rolname, datacl::pg_catalog.text,
       pg_catalog.concat_ws(' ', datconnlimit, datallowconn, datistemplate)
  FROM pg_catalog.pg_database d LEFT JOIN roles r ON r.oid = d.datdba
 WHERE datname NOT LIKE %(prefix)s
 UNION ALL
SELECT 'tablespace', spcname, r.rolname, spcacl::pg_catalog.text, spcoptions::pg_catalog.text
  FROM pg_catalog.pg_tablespace s LEFT JOIN roles r ON r.oid = s.spcowner
 UNION ALL
SELECT 'comment', CASE c.classoid WHEN 'pg_catalog.pg_authid'::pg_catalog.regclass THEN 'ROLE'
                                  WHEN 'pg_catalog.pg_database'::pg_catalog.regclass THEN 'DATABASE'
                                  ELSE 'TABLESPACE' END,
       coalesce(r.rolname, d.datname, s.spcname), c.description, NULL
  FROM pg_catalog.pg_shdescription c
  LEFT JOIN roles r
    ON r.oid = c.objoid AND c.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass
  LEFT JOIN pg_catalog.pg_database d
    ON d.oid = c.objoid AND c.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass
  LEFT JOIN pg_catalog.pg_tablespace s
    ON s.oid = c.objoid AND c.classoid = 'pg_catalog.pg_tablespace'::pg_catalog.regclass
 WHERE (d.datname IS NULL OR d.datname NOT LIKE %(prefix)s)
   AND coalesce(r.rolname, d.datname, s.spcname) IS NOT NULL
-- name: roles
SELECT rolname::pg_catalog.text, oid::pg_catalog.text FROM pg_catalog.pg_roles
 WHERE rolname NOT LIKE %(aside)s
-- name: roles_aside
SELECT rolname::pg_catalog.text FROM pg_catalog.pg_roles WHERE rolname LIKE %(pattern)s
-- name: cluster_exclusive
-- Only a superuser may read these: replication origins, and the settings that ALTER SYSTEM wrote.
SELECT 'origin', roname, NULL, NULL, NULL FROM pg_catalog.pg_replication_origin
 UNION ALL
SELECT 'system', name, setting, NULL, NULL FROM pg_catalog.pg_file_settings
 WHERE sourcefile LIKE '%%auto.conf'
-- name: cluster_since_15
SELECT 'parameter', parname, paracl::pg_catalog.text, NULL, NULL FROM pg_catalog.pg_parameter_acl
-- name: restore_settings
-- ALTER ROLE … SET cannot restore every list value exactly as it was. So pgbraid deletes all rows of the
-- catalog, and inserts the recorded rows again (add_setting).
WITH wanted (role, database, config) AS (
    SELECT * FROM ROWS FROM (pg_catalog.unnest(%(roles)s::text[]),
                             pg_catalog.unnest(%(databases)s::text[]),
                             pg_catalog.unnest(%(configs)s::text[])) AS wanted
), gone AS (
    DELETE FROM pg_catalog.pg_db_role_setting s
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database d
                        WHERE d.oid = s.setdatabase AND d.datname LIKE %(prefix)s)
)
SELECT coalesce(d.oid, 0::pg_catalog.oid), coalesce(r.oid, 0::pg_catalog.oid), config
  FROM wanted
  LEFT JOIN pg_catalog.pg_database d ON d.datname = database
  LEFT JOIN pg_catalog.pg_roles r ON r.rolname = role
-- name: add_setting
INSERT INTO pg_catalog.pg_db_role_setting VALUES (%(database)s, %(role)s, %(config)s::text[])
-- name: settings_loaded
SELECT pg_catalog.pg_conf_load_time()::text <> %(since)s
-- name: reload_settings
SELECT pg_catalog.pg_conf_load_time()::text, pg_catalog.pg_reload_conf()
-- name: touched_shared_catalogs
-- Shared catalogs that this transaction may have changed. Most statements on shared objects hold their
-- lock on the catalog until the transaction ends. GRANT does not, so this query also looks for rows whose
-- xmin is not older than this transaction.
SELECT DISTINCT c.relname::pg_catalog.text
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
 WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.database = 0
   AND l.mode = ANY ('{{RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}}'::pg_catalog.text[])
   AND c.relname = ANY ('{{pg_authid,pg_auth_members,pg_tablespace,pg_parameter_acl,pg_replication_origin,pg_shseclabel,pg_database,pg_db_role_setting,pg_shdescription}}'::pg_catalog.name[])
 UNION
SELECT 'pg_database' FROM pg_catalog.pg_database
 WHERE datname <> pg_catalog.current_database()
   AND pg_catalog.age(xmin) <= pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid)
 UNION
SELECT 'pg_tablespace' FROM pg_catalog.pg_tablespace
 WHERE pg_catalog.age(xmin) <= pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid)
 UNION
SELECT 'pg_replication_origin' FROM pg_catalog.pg_replication_origin
 -- The server names the origins of subscriptions itself (pg_OID), and reserves these names. Not every role
 -- may read pg_subscription.
 WHERE roname !~ '^pg_[0-9]+$'
   AND pg_catalog.age(xmin) <= pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid)
-- name: subscriptions
SELECT subname FROM pg_catalog.pg_subscription
 WHERE subdbid = (SELECT oid FROM pg_catalog.pg_database
                   WHERE datname = pg_catalog.current_database())
-- name: drop_slots
SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
 WHERE database = pg_catalog.current_database() AND NOT active
-- name: grantees
SELECT DISTINCT coalesce(r.rolname, '')
  FROM pg_catalog.aclexplode(%(acl)s::pg_catalog.aclitem[]) a
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
 WHERE a.grantee <> a.grantor
-- name: programs_folder
-- The folder of this server's own programs; only superusers may read it.
SELECT setting FROM pg_catalog.pg_config() WHERE name = 'BINDIR'
-- name: roles_with_password
SELECT rolname::pg_catalog.text FROM pg_catalog.pg_authid WHERE rolpassword IS NOT NULL
-- name: database_facts
SELECT 'grants on the database: ' || datacl::pg_catalog.text
  FROM pg_catalog.pg_database WHERE datname = %(name)s AND datacl IS NOT NULL
 UNION ALL
SELECT 'comment of the database: ' || pg_catalog.shobj_description(oid, 'pg_database')
  FROM pg_catalog.pg_database
 WHERE datname = %(name)s AND pg_catalog.shobj_description(oid, 'pg_database') IS NOT NULL
