-- name: read_applied
-- The one message of a run that has nothing to do. Its first statement divides by zero where
-- somebody has put a view, whose functions would run as us, in the place of the tracker or of the
-- journal, or given one of them a column of a type that is not the server's own, whose casts may;
-- and has row security raise an error instead of hiding rows. Times only where they are asked for,
-- and as text, as a DateStyle may be any. What was ever begun outside a transaction, and is not in
-- the set, is asked behind it. Each word of it costs: a session begins with empty caches.
SELECT pg_catalog.set_config('row_security', 'off', true),
       pg_catalog.set_config('lock_timeout', '1s', true), CURRENT_USER::pg_catalog.text,
       pg_catalog.set_config('bytea_output', 'hex', true),
       1 OPERATOR(pg_catalog./)
       CASE WHEN %(trusted)s OR pg_catalog.count(*) OPERATOR(pg_catalog.=) 0 THEN 1 ELSE 0 END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE n.nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
   AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[%(table)s, %(journal)s]::pg_catalog.name[])
   AND (c.relkind OPERATOR(pg_catalog.<>) ALL ('{{r,p}}'::pg_catalog."char"[])
        OR EXISTS (SELECT FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                      AND a.atttypid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid));
SELECT version, name, checksum,
       CASE WHEN %(times)s
            THEN pg_catalog.to_char(pg_catalog.timezone('UTC', applied_at::pg_catalog.timestamptz),
                                    'YYYY-MM-DD HH24:MI:SS.US') END
  FROM {tracker} ORDER BY version;
SELECT version FROM {journal}
 WHERE event OPERATOR(pg_catalog.=) 'started'::pg_catalog.text
   AND version OPERATOR(pg_catalog.<>) ALL (ARRAY(SELECT version FROM {tracker}))
-- name: distrusted
-- Why the first statement above has failed, where that was for a reason: what is no table, or has a
-- column of a type whose owner is neither a superuser nor one of our roles.
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
     WHERE n.nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
       AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[%(table)s, %(journal)s]::pg_catalog.name[])
       AND (c.relkind OPERATOR(pg_catalog.<>) ALL ('{{r,p}}'::pg_catalog."char"[])
            OR EXISTS (
               SELECT FROM pg_catalog.pg_attribute a
                 JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid
                 JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) t.typowner
                WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                  AND NOT r.rolsuper
                  AND r.rolname OPERATOR(pg_catalog.<>) ALL (ARRAY[CURRENT_USER, SESSION_USER])
                  AND NOT EXISTS (
                      SELECT FROM pg_catalog.pg_auth_members m
                        JOIN pg_catalog.pg_roles own ON own.oid OPERATOR(pg_catalog.=) m.member
                       WHERE m.roleid OPERATOR(pg_catalog.=) r.oid
                         AND own.rolname OPERATOR(pg_catalog.=)
                             ANY (ARRAY[CURRENT_USER, SESSION_USER])))))
-- name: schema_exists
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0
  FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
-- name: create_schema
-- One transaction, that waits for no disk and no standby: whatever is recorded there does.
SELECT pg_catalog.set_config('synchronous_commit', 'off', true);
CREATE SCHEMA IF NOT EXISTS {schema}
-- name: columns
-- With whether a trigger or a rule hangs on the table.
SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, NULL),
       c.relhastriggers OR c.relhasrules
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE n.nspname = %(schema)s AND c.relname IN (%(table)s, %(journal)s)
   AND a.attnum > 0 AND NOT a.attisdropped;
-- Then, whether nobody has made anything yet: nothing that holds rows, or could, nor that runs.
SELECT NOT EXISTS (
           SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = ANY ('{{r,p,m,f,v,S}}'::pg_catalog."char"[])
              AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                               WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                 AND d.objid = c.oid AND d.deptype = 'e'))
   AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                               WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                                 AND d.objid = p.oid AND d.deptype = 'e'))
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger);
-- Then, who else could have our statements run code as us: who owns the tables; who owns what a
-- trigger, a rule, a constraint, a default, an index or a column's type of theirs calls; who owns a
-- table on which there is a trigger, a rule, or what calls more of the server's functions than are
-- known to do no harm; and who could have made them before us, in a schema where others create.
-- The server's own functions leave no line in pg_depend. Tables that inherit count as well.
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
SELECT 'schema', coalesce(r.rolname, 'PUBLIC')
  FROM pg_catalog.pg_namespace n
 CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS acl
  LEFT JOIN others r ON r.oid = acl.grantee
 WHERE n.nspname = %(schema)s AND acl.privilege_type = 'CREATE'
   AND acl.grantee <> n.nspowner AND (acl.grantee = 0 OR r.oid IS NOT NULL)
-- name: create_at_once
SELECT pg_catalog.set_config('synchronous_commit', 'off', true)
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
);
COMMENT ON TABLE {journal} IS
    'What pgbraid did, in order of id; the applied set is the table without _journal.'
-- name: is_applied
SELECT count(*) > 0 FROM {tracker} WHERE version = %(version)s
-- name: has_rows
SELECT EXISTS (SELECT FROM {tracker})
-- name: add
WITH written AS (
    INSERT INTO {tracker} (version, name, applied_at, checksum)
    VALUES (%(version)s, %(name)s, pg_catalog.now(), %(checksum)s) RETURNING version
)
SELECT FROM written WHERE version = %(version)s
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
        pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.transaction_timestamp(),
        %(checksum)s, %(statement)s, %(detail)s)
RETURNING EXTRACT(epoch FROM duration)::pg_catalog.float8
-- name: add_at_once
-- In a message with others: a row that a trigger has swallowed divides by zero, and the time is
-- the clock's, as every transaction of a message begins when the message comes.
WITH written AS (
    INSERT INTO {tracker} (version, name, applied_at, checksum)
    VALUES (%(version)s, %(name)s, pg_catalog.clock_timestamp(), %(checksum)s) RETURNING version
)
SELECT 1 OPERATOR(pg_catalog./) pg_catalog.count(*) FROM written
 WHERE version OPERATOR(pg_catalog.=) %(version)s
-- name: journal_at_once
INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
        pg_catalog.make_interval(secs =>
            EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
            OPERATOR(pg_catalog.-)
            pg_catalog.current_setting('pgbraid.begun')::pg_catalog.float8),
        %(checksum)s, %(statement)s, %(detail)s)
RETURNING EXTRACT(epoch FROM duration)::pg_catalog.float8
-- name: journal_at_once_encoded
-- The server tells where in a routine's body an error is by finding that body in the message; it
-- gives up where it finds two, so the journal's copy must not look like one.
INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
        pg_catalog.make_interval(secs =>
            EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
            OPERATOR(pg_catalog.-)
            pg_catalog.current_setting('pgbraid.begun')::pg_catalog.float8),
        %(checksum)s,
        pg_catalog.convert_from(pg_catalog.decode(%(statement)s, 'base64'), 'UTF8'), %(detail)s)
RETURNING EXTRACT(epoch FROM duration)::pg_catalog.float8
-- name: journal_texts
-- Runs before the search path is pinned, hence the qualified operators.
SELECT DISTINCT ON (version) version, checksum, statement,
       pg_catalog.jsonb_extract_path_text(detail, 'sha256_lf')
  FROM {journal}
 WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
   AND event OPERATOR(pg_catalog.=) ANY ('{{applied,repaired}}'::pg_catalog.text[])
 ORDER BY version, id DESC
-- name: halves
-- The journal's lines of migrations that were begun and neither finished nor forgotten, since they
-- were begun last; before the search path is pinned, too.
SELECT line.version, line.name, line.event, line.detail
  FROM {journal} AS line
  JOIN (SELECT version, max(id) AS first FROM {journal}
         WHERE event OPERATOR(pg_catalog.=) 'started'::pg_catalog.text
         GROUP BY version) AS half
    ON half.version OPERATOR(pg_catalog.=) line.version
   AND line.id OPERATOR(pg_catalog.>=) half.first
 WHERE NOT EXISTS (
           SELECT FROM {journal} AS later
            WHERE later.version OPERATOR(pg_catalog.=) half.version
              AND later.id OPERATOR(pg_catalog.>) half.first
              AND later.event OPERATOR(pg_catalog.=)
                  ANY ('{{applied,adopted,forgotten}}'::pg_catalog.text[]))
   AND NOT EXISTS (SELECT FROM {tracker} AS row
                    WHERE row.version OPERATOR(pg_catalog.=) half.version)
 ORDER BY line.id
-- name: adoption
-- What was taken over from another tool, if it was; before the search path is pinned, too.
SELECT pg_catalog.jsonb_extract_path_text(taken.detail, 'from'),
       pg_catalog.jsonb_extract_path_text(taken.detail, 'counter')::pg_catalog.int8,
       EXISTS (SELECT FROM {journal} AS later
                WHERE later.id OPERATOR(pg_catalog.>) taken.id
                  AND later.event OPERATOR(pg_catalog.=)
                      ANY ('{{undone,withdrawn}}'::pg_catalog.text[]))
  FROM {journal} AS taken
 WHERE taken.event OPERATOR(pg_catalog.=) 'adopted'::pg_catalog.text AND taken.version IS NULL
 ORDER BY taken.id DESC LIMIT 1
-- name: adopted_last
-- Versions that were adopted, and that nothing was run of or taken out since.
SELECT version
  FROM (SELECT DISTINCT ON (version) version, event FROM {journal}
         WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
           AND event OPERATOR(pg_catalog.<>) ALL ('{{failed,repaired}}'::pg_catalog.text[])
         ORDER BY version, id DESC) AS newest
 WHERE event OPERATOR(pg_catalog.=) 'adopted'::pg_catalog.text
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
-- name: run
-- What one run has applied; asked before anything is pinned, hence the first statement.
SELECT pg_catalog.set_config('row_security', 'off', true);
SELECT version, EXTRACT(epoch FROM duration)::pg_catalog.float8
  FROM {journal}
 WHERE run_id OPERATOR(pg_catalog.=) %(run_id)s::pg_catalog.uuid
   AND event OPERATOR(pg_catalog.=) 'applied'::pg_catalog.text
-- name: order
-- The set in the order in which it was applied: what the journal has no line of first (it was
-- adopted, or the journal pruned), by time and version, then by the journal. Runs before the search
-- path is pinned, and behind that, too: hence the values that settings began with.
SELECT t.version, t.name, t.checksum::pg_catalog.text, pg_catalog.max(j.id) AS place
  FROM {tracker} t
  LEFT JOIN {journal} j
    ON j.version OPERATOR(pg_catalog.=) t.version
   AND j.event OPERATOR(pg_catalog.=) 'applied'::pg_catalog.text
 GROUP BY t.version, t.name, t.checksum
 ORDER BY place NULLS FIRST, pg_catalog.max(t.applied_at::pg_catalog.timestamptz), t.version
-- name: undone
-- Of each version that was ever undone, what ran of it and what undid it, in order.
SELECT line.id, line.version, line.name, line.event, line.statement
  FROM {journal} AS line
 WHERE line.event OPERATOR(pg_catalog.=) ANY ('{{applied,undone}}'::pg_catalog.text[])
   AND EXISTS (SELECT FROM {journal} AS undone
                WHERE undone.version OPERATOR(pg_catalog.=) line.version
                  AND undone.event OPERATOR(pg_catalog.=) 'undone'::pg_catalog.text)
 ORDER BY line.id
-- name: order_by_time
-- The same where there is no journal.
SELECT t.version, t.name, t.checksum::pg_catalog.text, NULL
  FROM {tracker} t ORDER BY t.applied_at, t.version
-- name: surroundings
-- What migrations take for granted of a database: settings of its own, and extensions.
SELECT 'setting', name, reset_val FROM pg_catalog.pg_settings
 WHERE name OPERATOR(pg_catalog.=) ANY
       ('{{search_path,default_table_access_method,default_toast_compression,TimeZone,DateStyle,
          IntervalStyle,check_function_bodies}}'::pg_catalog.text[])
 UNION ALL
SELECT 'setting', pg_catalog.split_part(o, '=', 1),
       pg_catalog.substr(o, pg_catalog.strpos(o, '=') OPERATOR(pg_catalog.+) 1)
  FROM pg_catalog.pg_db_role_setting s
 CROSS JOIN pg_catalog.unnest(s.setconfig) AS o
 WHERE pg_catalog.strpos(pg_catalog.split_part(o, '=', 1), '.') OPERATOR(pg_catalog.>) 0
   AND s.setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid,
           (SELECT oid FROM pg_catalog.pg_roles
             WHERE rolname OPERATOR(pg_catalog.=) CURRENT_USER)])
   AND s.setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid,
           (SELECT oid FROM pg_catalog.pg_database
             WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())])
 UNION ALL
SELECT 'extension', e.extname::pg_catalog.text, n.nspname::pg_catalog.text
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
 ORDER BY 1, 2
-- name: owner
-- The role that owns the tracker, with its attributes.
SELECT r.rolname::pg_catalog.text, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb,
       r.rolreplication, r.rolbypassrls,
       ARRAY(SELECT g.rolname::pg_catalog.text
               FROM pg_catalog.pg_auth_members m
               JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) m.roleid
              WHERE m.member OPERATOR(pg_catalog.=) r.oid)
  FROM pg_catalog.pg_roles r
 WHERE r.rolname OPERATOR(pg_catalog.=) coalesce(%(role)s::pg_catalog.name, (
           SELECT o.rolname
             FROM pg_catalog.pg_class c
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
             JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) c.relowner
            WHERE n.nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
              AND c.relname OPERATOR(pg_catalog.=) %(table)s::pg_catalog.name))
