-- name: relations
-- The relations of `wanted`, a set of oids, with their parts: one row with one JSON array. Definitions
-- of constraints and indexes take half of the time; those of rows with an age above :oldest are left
-- out.
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         c.oid::pg_catalog.int8, n.nspname, c.relname, c.relkind,
         coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::pg_catalog.int8,
         c.relpersistence, c.reltablespace::pg_catalog.int8,
         pg_catalog.pg_get_userbyid(c.relowner), c.relacl::pg_catalog.text[], c.reloptions,
         c.relreplident, c.relrowsecurity,
         coalesce((SELECT h.inhparent FROM pg_catalog.pg_inherits h
                    WHERE h.inhrelid = c.oid AND c.relispartition LIMIT 1), 0)::pg_catalog.int8,
         pg_catalog.pg_get_expr(c.relpartbound, c.oid),
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   a.attnum, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                   a.attnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated,
                   a.attidentity) ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute a
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   k.oid::pg_catalog.int8, k.conname, k.contype, k.convalidated,
                   k.conindid::pg_catalog.int8, k.confrelid::pg_catalog.int8, k.conkey,
                   CASE WHEN pg_catalog.age(k.xmin) <= :oldest
                        THEN pg_catalog.pg_get_constraintdef(k.oid) END))
            FROM pg_catalog.pg_constraint k
           -- A foreign key has a second entry for each partition of the referenced table.
           WHERE k.conrelid = c.oid
             AND (k.conparentid = 0 OR k.contype <> 'f'
                  OR c.oid <> (SELECT u.conrelid FROM pg_catalog.pg_constraint u
                                WHERE u.oid = k.conparentid))),
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   i.indexrelid::pg_catalog.int8, x.relname,
                   coalesce(pg_catalog.pg_relation_filenode(x.oid), 0)::pg_catalog.int8,
                   i.indisvalid, i.indisunique, i.indisprimary, m.amname,
                   i.indkey::pg_catalog.int2[], i.indnkeyatts, i.indpred IS NOT NULL,
                   CASE WHEN least(pg_catalog.age(i.xmin), pg_catalog.age(x.xmin)) <= :oldest
                        THEN pg_catalog.pg_get_indexdef(i.indexrelid) END))
            FROM pg_catalog.pg_index i
            JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
            JOIN pg_catalog.pg_am m ON m.oid = x.relam
           WHERE i.indrelid = c.oid),
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   t.oid::pg_catalog.int8, t.tgname, t.tgenabled))
            FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
         (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   p.oid::pg_catalog.int8, p.polname,
                   ARRAY(SELECT CASE r WHEN 0 THEN 'public'
                                ELSE pg_catalog.pg_get_userbyid(r)::pg_catalog.text END
                           FROM pg_catalog.unnest(p.polroles) r)))
            FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)))
  FROM wanted w
  JOIN pg_catalog.pg_class c ON c.oid = w.oid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
-- name: all_relations
-- The relations that are no part of another one, with an oid above $1 or among $2.
WITH wanted AS (
    SELECT c.oid FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid >= 16384 AND (c.oid::pg_catalog.int8 > $1 OR c.oid = ANY ($2))
       AND c.relkind IN ('r', 'p', 'm', 'f', 'v', 'S')
       AND n.nspname !~ '^pg_(?:toast|temp)'
)
:relations
-- name: highest_ids
-- The highest oid of a relation, and the next transaction id: what comes later has higher ones.
SELECT pg_catalog.json_build_array(
         (SELECT coalesce(pg_catalog.max(oid::pg_catalog.int8), 16383) FROM pg_catalog.pg_class),
         pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text)
-- name: save_path
-- Stands in front of our other statements. The first value is the time since the message arrived: that
-- of the SQL in front of this. The operator is qualified, as the search_path is still a migration's.
SELECT extract(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-)
                          pg_catalog.statement_timestamp()) AS pgbraid_saved,
       pg_catalog.set_config('pgbraid.search_path', pg_catalog.current_setting('search_path'), true),
       pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
       pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)
-- name: restore_path
SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('pgbraid.search_path'), true),
       pg_catalog.set_config('plan_cache_mode', 'auto', true)
-- name: prepared_names
SELECT pg_catalog.json_agg(name ORDER BY name) FROM pg_catalog.pg_prepared_statements
-- name: objects
-- Other objects that can be seen from outside: functions, types, labels of enums, schemas; and name,
-- owner and privileges of the relations whose row, or that of their schema, is of transaction $1 or a
-- later one: no lock shows them.
SELECT pg_catalog.json_build_object(
    'functions', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            p.oid::pg_catalog.int8, n.nspname, p.proname,
            pg_catalog.pg_get_function_identity_arguments(p.oid), p.prokind,
            pg_catalog.format_type(p.prorettype, NULL), p.prosecdef,
            coalesce(p.proconfig::pg_catalog.text ~ 'search_path=', false),
            pg_catalog.pg_get_userbyid(p.proowner),
            -- Without an access list, as most functions are, every role may run it.
            CASE WHEN p.proacl IS NULL THEN ARRAY['public'] ELSE ARRAY(
                SELECT CASE x.grantee WHEN 0 THEN 'public'
                       ELSE pg_catalog.pg_get_userbyid(x.grantee)::pg_catalog.text END
                  FROM pg_catalog.aclexplode(p.proacl) x) END))
          FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
         WHERE p.oid >= 16384
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                            WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                              AND d.objid = p.oid AND d.deptype = 'e')),
    'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            t.oid::pg_catalog.int8, n.nspname, t.typname, t.typtype))
          FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
         WHERE t.oid >= 16384 AND t.typtype IN ('e', 'd', 'c', 'r')
           AND (t.typrelid = 0 OR t.typrelid IN (SELECT c.oid FROM pg_catalog.pg_class c
                                                  WHERE c.relkind = 'c'))),
    'labels', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            e.oid::pg_catalog.int8, e.enumtypid::pg_catalog.int8, e.enumlabel))
          FROM pg_catalog.pg_enum e WHERE e.oid >= 16384),
    'schemas', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            n.oid::pg_catalog.int8, n.nspname))
          FROM pg_catalog.pg_namespace n
         WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
    'relations', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            c.oid::pg_catalog.int8, n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner),
            c.relacl::pg_catalog.text[]))
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'f', 'v', 'S')
           AND (pg_catalog.age(c.xmin) <= pg_catalog.age($1)
                OR pg_catalog.age(n.xmin) <= pg_catalog.age($1))))
-- name: counters
-- Scans and written rows that earlier transactions have left in the statistics of this session.
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         oid::pg_catalog.int8, pg_catalog.pg_stat_get_xact_numscans(oid),
         pg_catalog.pg_stat_get_xact_tuples_inserted(oid)
           + pg_catalog.pg_stat_get_xact_tuples_updated(oid)
           + pg_catalog.pg_stat_get_xact_tuples_deleted(oid)))
  FROM pg_catalog.pg_class
 WHERE oid >= 16384
   AND (relkind IN ('r', 'p', 'm', 'f', 'i') AND pg_catalog.pg_stat_get_xact_numscans(oid) > 0
        OR relkind IN ('r', 'p', 'm', 'f')
           AND (pg_catalog.pg_stat_get_xact_tuples_inserted(oid) > 0
                OR pg_catalog.pg_stat_get_xact_tuples_updated(oid) > 0
                OR pg_catalog.pg_stat_get_xact_tuples_deleted(oid) > 0))
-- name: new_tables
-- The tables of this migration: those with an oid above a limit.
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         n.nspname, c.relname, c.oid::pg_catalog.int8))
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384
   AND c.oid::pg_catalog.int8 > :highest
-- name: effects
-- The locks of this transaction on relations that are older than the migration, their files, scans
-- and written rows; and the relations with a lock that a change of a table takes, in `wanted`.
WITH held AS MATERIALIZED (
    SELECT l.relation AS oid, pg_catalog.max(pg_catalog.array_position(
             ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock',
                   'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
                   'ExclusiveLock', 'AccessExclusiveLock'], l.mode)) AS strength,
           pg_catalog.bool_or(l.mode = 'RowExclusiveLock') AS writing
      FROM pg_catalog.pg_locks l
     WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.granted
       AND l.relation >= 16384
       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
                          WHERE d.datname = pg_catalog.current_database())
     GROUP BY l.relation
), wanted AS MATERIALIZED (
    SELECT DISTINCT t.oid
      FROM held h
      LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = h.oid
     CROSS JOIN LATERAL (SELECT coalesce(i.indrelid, h.oid) AS oid) t
     WHERE h.strength >= 4 AND t.oid::pg_catalog.int8 <= $1
       AND (t.oid <> ALL ($2)
            OR EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = t.oid))
)
SELECT pg_catalog.json_build_object(
    'lock_timeout', pg_catalog.current_setting('lock_timeout'),
    'held', (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
            h.oid::pg_catalog.int8, h.strength, h.writing, c.relkind,
            coalesce(pg_catalog.pg_relation_filenode(h.oid), 0)::pg_catalog.int8,
            pg_catalog.pg_stat_get_xact_numscans(h.oid),
            pg_catalog.pg_stat_get_xact_tuples_inserted(h.oid)
              + pg_catalog.pg_stat_get_xact_tuples_updated(h.oid)
              + pg_catalog.pg_stat_get_xact_tuples_deleted(h.oid),
            CASE WHEN h.oid::pg_catalog.int8 > $1 THEN
                (SELECT CASE c.relpersistence WHEN 't' THEN 'pg_temp' ELSE n.nspname END
                   FROM pg_catalog.pg_namespace n WHERE n.oid = c.relnamespace) END,
            CASE WHEN h.oid::pg_catalog.int8 > $1 THEN c.relname END))
          FROM held h LEFT JOIN pg_catalog.pg_class c ON c.oid = h.oid),
    'changed', (:relations))
