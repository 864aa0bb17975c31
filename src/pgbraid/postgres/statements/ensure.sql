-- name: schema_exists
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0
  FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
-- name: create_schema
-- One transaction that waits neither for the disk nor for a standby; the commit of the first
-- migration will.
SELECT pg_catalog.set_config('synchronous_commit', 'off', true);
CREATE SCHEMA IF NOT EXISTS {schema}
-- name: columns
-- The columns of the ledger with their types and defaults, and whether their table has anything
-- that could run code of another role, or let another role write. With quote_all_identifiers,
-- format_type() quotes type names too.
SELECT c.relname, a.attname, pg_catalog.replace(pg_catalog.format_type(a.atttypid, NULL), '"', ''),
       (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d
         WHERE d.adrelid = c.oid AND d.adnum = a.attnum),
       c.relhastriggers OR c.relhasrules,
       c.relkind <> 'r' OR c.relhassubclass OR a.atttypid >= 16384
       OR pg_catalog.pg_get_userbyid(c.relowner) <> ALL (ARRAY[current_user, session_user])
       OR EXISTS (SELECT FROM pg_catalog.pg_constraint k
                   WHERE k.conrelid = c.oid AND k.contype <> ALL ('{{p,n}}'::pg_catalog."char"[]))
       OR EXISTS (SELECT FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid AND NOT x.indisprimary)
       OR EXISTS (SELECT FROM pg_catalog.aclexplode(c.relacl) AS acl
                   WHERE acl.grantee <> c.relowner AND acl.privilege_type <> 'SELECT'),
       a.attidentity = '' AND NOT a.atthasdef
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = %(schema)s AND c.relname IN (%(table)s, %(journal)s)
   AND a.attnum > 0 AND NOT a.attisdropped
-- name: is_fresh
-- Whether the database has no user objects: none that can hold rows, and no function. Each scan
-- stops at the first such object. The subquery with count(*) makes the planner use one index scan
-- of pg_depend for each object, instead of a join with the whole table.
SELECT NOT EXISTS (
           SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = ANY ('{{r,p,m,f,v,S}}'::pg_catalog."char"[])
              AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND (SELECT count(*) FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND d.objid = c.oid AND d.deptype = 'e') = 0)
   AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND (SELECT count(*) FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      AND d.objid = p.oid AND d.deptype = 'e') = 0)
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger)
-- name: schema_creators
-- Other roles that could have created the ledger before us: they have CREATE on its schema.
WITH RECURSIVE ours (oid) AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (current_user, session_user)
     UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN ours ON ours.oid = m.member
)
SELECT coalesce(r.rolname, 'PUBLIC')
  FROM pg_catalog.pg_namespace n
 CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS acl
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = acl.grantee
 WHERE n.nspname = %(schema)s AND acl.privilege_type = 'CREATE' AND acl.grantee <> n.nspowner
   AND (acl.grantee = 0
        OR NOT (r.rolsuper OR r.rolname = 'pg_database_owner')
           AND NOT EXISTS (SELECT FROM ours WHERE ours.oid = r.oid))
 ORDER BY 1
-- name: distrusted_roles
-- Other roles that could make our statements run code as the deploying role, or write to the
-- ledger: owners of the tables; owners of the functions, operators and types that a trigger, rule,
-- constraint, default, index or column uses; owners of a table with a trigger, a rule, or an
-- expression that calls a built-in function outside the list of harmless ones; and roles that may
-- write. Built-in functions have no row in pg_depend, so their calls are found in the expressions.
-- Tables that inherit from the ledger count as well.
WITH RECURSIVE ours (oid) AS (
    SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (current_user, session_user)
     UNION
    SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN ours ON ours.oid = m.member
), others AS (
    SELECT oid, rolname FROM pg_catalog.pg_roles r
     WHERE NOT rolsuper AND rolname <> 'pg_database_owner'
       AND NOT EXISTS (SELECT FROM ours WHERE ours.oid = r.oid)
), tree (oid) AS (
    SELECT c.oid
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %(schema)s AND c.relname IN (%(table)s, %(journal)s)
     UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON tree.oid = i.inhparent
), tables AS (
    SELECT c.oid, c.relowner, c.relkind, c.tableoid FROM tree JOIN pg_catalog.pg_class c USING (oid)
), harmless (name) AS (
    SELECT DISTINCT proname FROM pg_catalog.pg_proc
     WHERE provolatile = 'i' AND pronamespace = 'pg_catalog'::pg_catalog.regnamespace
     UNION
    SELECT pg_catalog.unnest(
        '{{now,clock_timestamp,statement_timestamp,transaction_timestamp,timeofday,timezone,
           gen_random_uuid,uuidv4,uuidv7,random,nextval,current_setting,to_char,to_timestamp,
           date_trunc,age,concat,concat_ws,format,varying,character}}'::pg_catalog.name[])
), parts (classid, objid, relid, ours) AS (
    SELECT tableoid, oid, oid, relkind = 'r' FROM tables
     UNION ALL
    SELECT d.tableoid, d.oid, d.adrelid, NOT EXISTS (
               SELECT FROM pg_catalog.regexp_matches(
                   pg_catalog.pg_get_expr(d.adbin, d.adrelid), '([a-z_0-9]+)"?\(', 'g') AS called (names)
                WHERE called.names[1] NOT IN (SELECT name FROM harmless))
      FROM pg_catalog.pg_attrdef d JOIN tables t ON t.oid = d.adrelid
     UNION ALL
    SELECT c.tableoid, c.oid, c.conrelid, c.conbin IS NULL OR NOT EXISTS (
               SELECT FROM pg_catalog.regexp_matches(
                   pg_catalog.pg_get_expr(c.conbin, c.conrelid), '([a-z_0-9]+)"?\(', 'g') AS called (names)
                WHERE called.names[1] NOT IN (SELECT name FROM harmless))
      FROM pg_catalog.pg_constraint c JOIN tables t ON t.oid = c.conrelid
     UNION ALL
    SELECT c.tableoid, c.oid, x.indrelid, NOT EXISTS (
               SELECT FROM pg_catalog.regexp_matches(pg_catalog.concat(
                   pg_catalog.pg_get_expr(x.indexprs, x.indrelid),
                   pg_catalog.pg_get_expr(x.indpred, x.indrelid)), '([a-z_0-9]+)"?\(', 'g')
                   AS called (names)
                WHERE called.names[1] NOT IN (SELECT name FROM harmless))
      FROM pg_catalog.pg_index x JOIN tables t ON t.oid = x.indrelid
      JOIN pg_catalog.pg_class c ON c.oid = x.indexrelid
     UNION ALL
    SELECT g.tableoid, g.oid, g.tgrelid, g.tgisinternal
      FROM pg_catalog.pg_trigger g JOIN tables t ON t.oid = g.tgrelid
     UNION ALL
    SELECT w.tableoid, w.oid, w.ev_class, false
      FROM pg_catalog.pg_rewrite w JOIN tables t ON t.oid = w.ev_class
), called (oid) AS (
    SELECT coalesce(
               (SELECT proowner FROM pg_catalog.pg_proc WHERE oid = d.refobjid
                   AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass),
               (SELECT oprowner FROM pg_catalog.pg_operator WHERE oid = d.refobjid
                   AND d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass),
               (SELECT opcowner FROM pg_catalog.pg_opclass WHERE oid = d.refobjid
                   AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass),
               (SELECT typowner FROM pg_catalog.pg_type WHERE oid = d.refobjid
                   AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass))
      FROM parts p
      JOIN pg_catalog.pg_depend d ON d.classid = p.classid AND d.objid = p.objid
     UNION ALL
    SELECT t.relowner FROM parts p JOIN tables t ON t.oid = p.relid WHERE NOT p.ours
)
SELECT 'owner', r.rolname FROM tables JOIN others r ON r.oid = tables.relowner
UNION
SELECT 'code', r.rolname FROM called JOIN others r ON r.oid = called.oid
UNION
SELECT 'writer', coalesce(r.rolname, 'PUBLIC')
  FROM tables
  JOIN pg_catalog.pg_class c ON c.oid = tables.oid
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS acl
  LEFT JOIN others r ON r.oid = acl.grantee
 WHERE acl.privilege_type <> 'SELECT' AND acl.grantee <> c.relowner
   AND (acl.grantee = 0 OR r.oid IS NOT NULL)
-- name: commit_asynchronously
SELECT pg_catalog.set_config('synchronous_commit', 'off', true)
-- name: create_applied_set
CREATE TABLE IF NOT EXISTS {ledger} (
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
);
COMMENT ON TABLE {journal} IS
    'The journal of pgbraid, in the order of id; the applied set is the table without _journal.'
-- name: revokes
-- REVOKEs of all that default privileges grant to other roles on the new tables and the journal's
-- sequence, except SELECT.
SELECT pg_catalog.format(
           'REVOKE %s ON %s %s FROM %s', acl.privilege_type,
           CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::pg_catalog.regclass,
           CASE acl.grantee WHEN 0 THEN 'PUBLIC'
                ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(acl.grantee)) END)
  FROM pg_catalog.pg_class c
 CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS acl
 WHERE c.oid = ANY (ARRAY[
           pg_catalog.to_regclass({ledger_text}), pg_catalog.to_regclass({journal_text}),
           pg_catalog.to_regclass(pg_catalog.pg_get_serial_sequence({journal_text}, 'id'))]
           ::pg_catalog.oid[])
   AND acl.grantee <> c.relowner AND acl.privilege_type <> 'SELECT'
-- name: sequence_is_behind
-- The sequence of the journal's ids and the highest id, if the sequence is behind it and this role
-- may read the sequence.
SELECT s.oid::pg_catalog.regclass::text, used.id
  FROM (SELECT pg_catalog.max(id) AS id FROM {journal}) AS used
  JOIN pg_catalog.pg_class s
    ON s.oid = pg_catalog.to_regclass(pg_catalog.pg_get_serial_sequence({journal_text}, 'id'))
 WHERE CASE WHEN pg_catalog.has_sequence_privilege(s.oid, 'USAGE, SELECT')
            THEN used.id > coalesce(pg_catalog.pg_sequence_last_value(s.oid), 0) END
-- name: advance_sequence
SELECT pg_catalog.setval(%(sequence)s::pg_catalog.regclass, %(id)s)
