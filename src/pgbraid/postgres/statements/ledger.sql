-- name: read_applied
-- The only message of a run that has nothing to do. It is short, because a new session has empty
-- caches and each name in it costs a catalog lookup. The first statement divides by zero if a table
-- of the ledger is a view, whose functions would run as the deploying role, or has a column of a
-- type that is not built in, whose casts would. It also makes row security raise an error instead
-- of hiding rows: a part of the applied set is worse than none. Times are returned only on request,
-- and as text in UTC, because DateStyle may have any value. The last statement finds versions on
-- which the journal may disagree with the applied set: started or applied but not in it, or removed
-- but still in it. Further queries follow only if it finds one.
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
  FROM {ledger} ORDER BY version;
SELECT version FROM {journal}
 WHERE event OPERATOR(pg_catalog.=) ANY ('{{started,applied,adopted,repaired}}'::pg_catalog.text[])
       AND NOT (version OPERATOR(pg_catalog.=) ANY (SELECT version FROM {ledger}))
    OR event OPERATOR(pg_catalog.=) ANY ('{{undone,unadopted}}'::pg_catalog.text[])
       AND version OPERATOR(pg_catalog.=) ANY (SELECT version FROM {ledger})
-- name: is_untrusted
-- The slower form of the first check above: whether a table of the ledger is not a table, or has a
-- column of a type whose owner is neither a superuser nor a role of ours.
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
-- name: is_applied
SELECT count(*) > 0 FROM {ledger} WHERE version = %(version)s
-- name: has_rows
SELECT EXISTS (SELECT FROM {ledger})
-- name: insert_applied
WITH written AS (
    INSERT INTO {ledger} (version, name, applied_at, checksum)
    VALUES (%(version)s, %(name)s, pg_catalog.now(), %(checksum)s) RETURNING version
)
SELECT FROM written WHERE version = %(version)s
-- name: adopt
WITH written AS (
    INSERT INTO {ledger} (version, name, applied_at, checksum)
    VALUES (%(version)s, %(name)s, now(), %(checksum)s)
    ON CONFLICT DO NOTHING RETURNING version
)
SELECT FROM written WHERE version = %(version)s
-- name: repair
UPDATE {ledger} SET name = %(name)s, checksum = %(checksum)s WHERE version = %(version)s
-- name: remove
DELETE FROM {ledger} WHERE version = %(version)s
-- name: append
-- Returns a row only if the line was stored as given, with the highest id: a trigger may change it.
-- Every line is written under the lock, so no other run takes an id meanwhile.
WITH written AS (
    INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
    VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s, %(duration)s, %(checksum)s,
            %(statement)s, %(detail)s)
    RETURNING id, event, version
)
SELECT FROM written
 WHERE event = %(event)s AND version IS NOT DISTINCT FROM %(version)s
   AND id > coalesce((SELECT max(id) FROM {journal}), id - 1)
-- name: append_timed
-- The same in the migration's transaction; the start of that transaction is the start of its body.
WITH written AS (
    INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
    VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
            pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.transaction_timestamp(),
            %(checksum)s, %(statement)s, %(detail)s)
    RETURNING id, event, version, duration
)
SELECT EXTRACT(epoch FROM duration)::pg_catalog.float8 FROM written
 WHERE event = %(event)s AND version IS NOT DISTINCT FROM %(version)s
   AND id > coalesce((SELECT max(id) FROM {journal}), id - 1)
-- name: insert_applied_in_message
-- The same as a part of the migration's message: divides by zero if a trigger swallowed the row.
-- The time is clock_timestamp(), because now() is the arrival of the message for all its
-- transactions.
WITH written AS (
    INSERT INTO {ledger} (version, name, applied_at, checksum)
    VALUES (%(version)s, %(name)s, pg_catalog.clock_timestamp(), %(checksum)s) RETURNING version
)
SELECT 1 OPERATOR(pg_catalog./) pg_catalog.count(*) FROM written
 WHERE version OPERATOR(pg_catalog.=) %(version)s
-- name: append_in_message
-- Divides by zero if the line's id is not the highest.
WITH written AS (
    INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
    VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
            pg_catalog.make_interval(secs =>
                EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
                OPERATOR(pg_catalog.-)
                pg_catalog.current_setting('pgbraid.started_at')::pg_catalog.float8),
            %(checksum)s, %(statement)s, %(detail)s)
    RETURNING id, duration
)
SELECT EXTRACT(epoch FROM duration)::pg_catalog.float8 OPERATOR(pg_catalog./)
       CASE WHEN id OPERATOR(pg_catalog.<=) (SELECT pg_catalog.max(id) FROM {journal})
            THEN 0 ELSE 1 END
  FROM written
-- name: append_encoded_in_message
-- The server locates an error inside a routine by searching the message for the routine's body, and
-- gives up if it finds two copies. So the journal's copy is encoded.
WITH written AS (
    INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
    VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
            pg_catalog.make_interval(secs =>
                EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
                OPERATOR(pg_catalog.-)
                pg_catalog.current_setting('pgbraid.started_at')::pg_catalog.float8),
            %(checksum)s,
            pg_catalog.convert_from(pg_catalog.decode(%(statement)s, 'base64'), 'UTF8'), %(detail)s)
    RETURNING id, duration
)
SELECT EXTRACT(epoch FROM duration)::pg_catalog.float8 OPERATOR(pg_catalog./)
       CASE WHEN id OPERATOR(pg_catalog.<=) (SELECT pg_catalog.max(id) FROM {journal})
            THEN 0 ELSE 1 END
  FROM written
-- name: insert_applied_untouched
-- The three statements above for a ledger that no script of a run on an empty database has named:
-- no trigger and no rule can change what is stored, so it is not checked.
INSERT INTO {ledger} (version, name, applied_at, checksum)
VALUES (%(version)s, %(name)s, pg_catalog.clock_timestamp(), %(checksum)s)
-- name: append_untouched
INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
        pg_catalog.make_interval(secs =>
            EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
            OPERATOR(pg_catalog.-)
            pg_catalog.current_setting('pgbraid.started_at')::pg_catalog.float8),
        %(checksum)s, %(statement)s, %(detail)s)
RETURNING EXTRACT(epoch FROM duration)::pg_catalog.float8
-- name: append_encoded_untouched
INSERT INTO {journal} (run_id, event, version, name, duration, checksum, statement, detail)
VALUES (%(run_id)s, %(event)s, %(version)s, %(name)s,
        pg_catalog.make_interval(secs =>
            EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8
            OPERATOR(pg_catalog.-)
            pg_catalog.current_setting('pgbraid.started_at')::pg_catalog.float8),
        %(checksum)s,
        pg_catalog.convert_from(pg_catalog.decode(%(statement)s, 'base64'), 'UTF8'), %(detail)s)
RETURNING EXTRACT(epoch FROM duration)::pg_catalog.float8
-- name: journal_texts
-- Runs before search_path is pinned, so the operators are qualified.
SELECT DISTINCT ON (version) version, checksum, statement,
       pg_catalog.jsonb_extract_path_text(detail, 'sha256_lf')
  FROM {journal}
 WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
   AND event OPERATOR(pg_catalog.=) ANY ('{{applied,repaired}}'::pg_catalog.text[])
 ORDER BY version, id DESC
-- name: incomplete
-- The journal's lines of incomplete migrations, from the latest start on. Runs before search_path
-- is pinned.
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
                  ANY ('{{applied,adopted,incomplete_forgotten}}'::pg_catalog.text[]))
   AND NOT EXISTS (SELECT FROM {ledger} AS row
                    WHERE row.version OPERATOR(pg_catalog.=) half.version)
 ORDER BY line.id
-- name: mismatches
-- Versions for which the last deciding line of the journal contradicts the applied set. Runs before
-- search_path is pinned.
SELECT line.version, line.name, line.checksum, line.event
  FROM (SELECT DISTINCT ON (version) version, name, checksum, event FROM {journal}
         WHERE version IS NOT NULL
           AND event OPERATOR(pg_catalog.=)
               ANY ('{{applied,adopted,repaired,undone,unadopted}}'::pg_catalog.text[])
         ORDER BY version, id DESC) AS line
 WHERE (line.event OPERATOR(pg_catalog.=) ANY ('{{undone,unadopted}}'::pg_catalog.text[]))
       OPERATOR(pg_catalog.=)
       EXISTS (SELECT FROM {ledger} AS row
                WHERE row.version OPERATOR(pg_catalog.=) line.version)
 ORDER BY line.version
-- name: mismatches_without_applied_set
-- The same if the applied set does not exist; another run may be creating it at this moment.
SELECT line.version, line.name, line.checksum, line.event
  FROM (SELECT DISTINCT ON (version) version, name, checksum, event FROM {journal}
         WHERE version IS NOT NULL
           AND event OPERATOR(pg_catalog.=)
               ANY ('{{applied,adopted,repaired,undone,unadopted}}'::pg_catalog.text[])
         ORDER BY version, id DESC) AS line
 WHERE line.event OPERATOR(pg_catalog.<>) ALL ('{{undone,unadopted}}'::pg_catalog.text[])
   AND pg_catalog.to_regclass({ledger_text}) IS NULL
 ORDER BY line.version
-- name: has_lines
SELECT EXISTS (SELECT FROM {journal})
-- name: has_history
SELECT EXISTS (
    SELECT FROM {journal}
     WHERE version IS NOT NULL
       AND event OPERATOR(pg_catalog.=)
           ANY ('{{applied,adopted,unadopted,undone,restored,removed}}'::pg_catalog.text[]))
-- name: last_outcomes
-- The last event of each of these versions that ended it: applied or removed.
SELECT DISTINCT ON (version) version, event
  FROM {journal}
 WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
 ORDER BY version, id DESC
-- name: was_used
-- Whether an existing table of the ledger ever held a row: the table has pages, or another file
-- than it was created with (TRUNCATE assigns one), or ids were taken from the sequence. CASE fixes
-- the order of evaluation: the journal's TOAST table depends on the journal like the sequence, and
-- the sequence functions raise an error for a table.
SELECT EXISTS (
           SELECT FROM pg_catalog.pg_class c
            WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[
                      pg_catalog.to_regclass({ledger_text}), pg_catalog.to_regclass({journal_text})]
                      ::pg_catalog.oid[])
              AND (pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0
                   OR pg_catalog.pg_relation_filenode(c.oid) OPERATOR(pg_catalog.<>) c.oid))
    OR EXISTS (
           SELECT FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_class s ON s.oid OPERATOR(pg_catalog.=) d.objid
            WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
              AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({journal_text})::pg_catalog.oid
              AND CASE WHEN s.relkind OPERATOR(pg_catalog.<>) 'S' THEN false
                       WHEN pg_catalog.has_sequence_privilege(s.oid, 'USAGE, SELECT')
                       THEN pg_catalog.pg_sequence_last_value(s.oid) IS NOT NULL END)
-- name: restore
-- Restores a row of the applied set from the journal, with the time of its journal line.
WITH written AS (
    INSERT INTO {ledger} (version, name, applied_at, checksum)
    SELECT %(version)s, %(name)s, happened_at, %(checksum)s FROM {journal}
     WHERE version = %(version)s AND event = ANY ('{{applied,adopted,repaired}}'::text[])
     ORDER BY event = 'repaired', id DESC LIMIT 1
    RETURNING version
)
SELECT FROM written WHERE version = %(version)s
-- name: note
-- The comment on the applied set's table, and whether this role may change it.
SELECT pg_catalog.obj_description(c.oid, 'pg_class'),
       pg_catalog.pg_has_role(c.relowner, 'USAGE')
  FROM pg_catalog.pg_class c
 WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({ledger_text})
-- name: adoption
-- The latest adoption from another tool. Runs before search_path is pinned.
SELECT pg_catalog.jsonb_extract_path_text(taken.detail, 'from'),
       pg_catalog.jsonb_extract_path_text(taken.detail, 'counter')::pg_catalog.int8,
       pg_catalog.jsonb_extract_path(taken.detail, 'not_applied'),
       EXISTS (SELECT FROM {journal} AS later
                WHERE later.id OPERATOR(pg_catalog.>) taken.id
                  AND later.event OPERATOR(pg_catalog.=)
                      ANY ('{{undone,unadopted}}'::pg_catalog.text[]))
  FROM {journal} AS taken
 WHERE taken.event OPERATOR(pg_catalog.=) 'adopted'::pg_catalog.text AND taken.version IS NULL
 ORDER BY taken.id DESC LIMIT 1
-- name: adopted_unchanged
-- Versions that were adopted, and neither ran nor were removed since.
SELECT version
  FROM (SELECT DISTINCT ON (version) version, event FROM {journal}
         WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
           AND event OPERATOR(pg_catalog.<>) ALL ('{{failed,repaired}}'::pg_catalog.text[])
         ORDER BY version, id DESC) AS newest
 WHERE event OPERATOR(pg_catalog.=) 'adopted'::pg_catalog.text
-- name: decided_versions
-- Those of the versions that were ever applied, adopted or taken back. A failed attempt is no decision.
SELECT DISTINCT version FROM {journal}
 WHERE version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
   AND event OPERATOR(pg_catalog.=)
       ANY ('{{applied,adopted,undone,unadopted}}'::pg_catalog.text[])
-- name: foreign_columns
-- With quote_all_identifiers, format_type() quotes type names too.
-- A view is listed without columns.
SELECT n.nspname, c.relname,
       CASE WHEN c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog."char"[]) THEN a.attname END,
       pg_catalog.replace(pg_catalog.format_type(a.atttypid, NULL), '"', '')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
 WHERE c.relname OPERATOR(pg_catalog.=) ANY (%(tables)s::pg_catalog.name[])
   AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
   AND c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p,v,m,f}}'::pg_catalog."char"[])
   AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
 ORDER BY n.nspname, c.relname, a.attnum
-- name: versions_applied_by
-- The versions that one run has applied. Runs before the settings are pinned, so it sets
-- row_security itself. For versions whose COMMIT has succeeded, a row of the applied set suffices:
-- a body may have pruned the journal.
SELECT pg_catalog.set_config('row_security', 'off', true);
SELECT version, EXTRACT(epoch FROM duration)::pg_catalog.float8
  FROM {journal}
 WHERE run_id OPERATOR(pg_catalog.=) %(run_id)s::pg_catalog.uuid
   AND event OPERATOR(pg_catalog.=) 'applied'::pg_catalog.text
 UNION ALL
SELECT row.version, 0
  FROM {ledger} AS row
 WHERE row.version OPERATOR(pg_catalog.=) ANY (%(versions)s::pg_catalog.int8[])
   AND NOT EXISTS (SELECT FROM {journal} AS line
                    WHERE line.version OPERATOR(pg_catalog.=) row.version
                      AND line.event OPERATOR(pg_catalog.=)
                          ANY ('{{applied,adopted,repaired}}'::pg_catalog.text[]))
-- name: applied_by_another
-- Whether another run has a journal line by which it applied, adopted or restored a version.
SELECT EXISTS (SELECT FROM {journal}
                WHERE version = %(version)s AND run_id <> %(run_id)s::uuid
                  AND event = ANY ('{{applied,adopted,repaired,restored}}'::text[]))
-- name: unexpected_rows
-- Versions of the applied set besides these that no other run has recorded in the journal.
SELECT t.version FROM {ledger} t
 WHERE t.version <> ALL (%(versions)s::int8[])
   AND NOT EXISTS (SELECT FROM {journal} j
                    WHERE j.version = t.version AND j.run_id <> %(run_id)s::uuid
                      AND j.event = ANY ('{{applied,adopted,repaired,restored}}'::text[]))
 ORDER BY 1
-- name: history
-- The applied set in order of application. Versions without a journal line (adopted, or the journal
-- was pruned) come first, by time and version; the others follow by their line. Runs both before
-- and after search_path is pinned.
SELECT t.version, t.name, t.checksum::pg_catalog.text, pg_catalog.max(j.id) AS place
  FROM {ledger} t
  LEFT JOIN {journal} j
    ON j.version OPERATOR(pg_catalog.=) t.version
   AND j.event OPERATOR(pg_catalog.=) 'applied'::pg_catalog.text
 GROUP BY t.version, t.name, t.checksum
 ORDER BY place NULLS FIRST, pg_catalog.max(t.applied_at::pg_catalog.timestamptz), t.version
-- name: undone
-- The lines of every version that was ever undone: each run of it and each undo, in order.
SELECT line.id, line.version, line.name, line.event, line.statement
  FROM {journal} AS line
 WHERE line.event OPERATOR(pg_catalog.=) ANY ('{{applied,undone}}'::pg_catalog.text[])
   AND EXISTS (SELECT FROM {journal} AS undone
                WHERE undone.version OPERATOR(pg_catalog.=) line.version
                  AND undone.event OPERATOR(pg_catalog.=) 'undone'::pg_catalog.text)
 ORDER BY line.id
-- name: runs
-- The lines of the runs in their order, without the texts. Runs before search_path is pinned.
SELECT id, run_id::pg_catalog.text, event, version, name,
       pg_catalog.to_char(pg_catalog.timezone('UTC', happened_at), 'YYYY-MM-DD HH24:MI:SS.US'),
       role_name, application, EXTRACT(epoch FROM duration)::pg_catalog.float8,
       CASE WHEN event OPERATOR(pg_catalog.=) ANY ('{{applied,failed,undone}}'::pg_catalog.text[])
            THEN detail END
  FROM {journal}
 WHERE event OPERATOR(pg_catalog.=)
       ANY ('{{applied,failed,undone,adopted,unadopted,started}}'::pg_catalog.text[])
 ORDER BY id
-- name: history_by_time
-- The same without a journal.
SELECT t.version, t.name, t.checksum::pg_catalog.text, NULL
  FROM {ledger} t ORDER BY t.applied_at, t.version
-- name: database_environment
-- The environment that migrations rely on: settings of the database and the role, and extensions.
-- reset_val is the value at the start of the session, so it is right after search_path is pinned.
SELECT 'setting', name, reset_val FROM pg_catalog.pg_settings
 WHERE name OPERATOR(pg_catalog.=) ANY
       ('{{search_path,default_table_access_method,default_toast_compression,TimeZone,DateStyle,
          IntervalStyle,check_function_bodies,array_nulls,bytea_output,extra_float_digits,
          transform_null_equals,xmlbinary,xmloption,backslash_quote,standard_conforming_strings,
          quote_all_identifiers}}'::pg_catalog.text[])
    -- A user-defined configuration does not exist yet when a session on a scratch database begins.
    OR (name OPERATOR(pg_catalog.=) 'default_text_search_config'
        AND pg_catalog.starts_with(reset_val, 'pg_catalog.'))
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
-- The role that owns the applied set, or the given role, with its attributes.
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
