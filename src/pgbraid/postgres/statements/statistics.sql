-- name: own_settings
-- For the rest of the message, which is one transaction: nothing waits for a lock, and no object of
-- another schema takes the place of one of the server.
SELECT pg_catalog.set_config('lock_timeout', '100ms', true),
       pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)
-- name: server_facts
-- stats_reset of the database is NULL from 15 on until a session resets it; its counters are then as
-- old as those of the whole server, or younger.
SELECT current_setting('server_version'),
       current_setting('server_version_num')::int,
       current_setting('TimeZone'),
       current_setting('block_size')::int,
       EXTRACT(epoch FROM clock_timestamp())::float8,
       EXTRACT(epoch FROM coalesce(
           (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
           (SELECT least(a.stats_reset, b.stats_reset)
              FROM pg_stat_archiver AS a, pg_stat_bgwriter AS b)))::float8,
       (SELECT count(*) FROM pg_stat_replication AS r
         WHERE r.state IS DISTINCT FROM 'backup'
           AND NOT EXISTS (SELECT FROM pg_replication_slots AS s
                            WHERE s.active_pid = r.pid AND s.slot_type = 'logical'))::int
-- name: table_statistics
-- No function here opens the relation: it would wait for an ACCESS EXCLUSIVE lock of another session.
-- relpages is an unsigned number in a signed column.
SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text, c.relpersistence = 'p',
       c.reltuples::float8,
       c.relpages::bigint & 4294967295,
       coalesce(t.relpages::bigint & 4294967295, 0),
       coalesce(pg_stat_get_live_tuples(t.oid), 0),
       coalesce(i.pages, 0)::bigint,
       pg_stat_get_live_tuples(c.oid),
       coalesce(pg_stat_get_numscans(c.oid), 0) + coalesce(i.scans, 0)::bigint,
       pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
           + pg_stat_get_tuples_deleted(c.oid),
       coalesce(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid),
                pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))
           IS NOT NULL
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
  LEFT JOIN (SELECT x.indrelid, sum(ic.relpages::bigint & 4294967295) AS pages,
                    sum(pg_stat_get_numscans(x.indexrelid)) AS scans
               FROM pg_index AS x JOIN pg_class AS ic ON ic.oid = x.indexrelid
              GROUP BY x.indrelid) AS i ON i.indrelid = c.oid
 WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
   AND c.oid >= 16384
-- name: parents
SELECT inhrelid::bigint, inhparent::bigint FROM pg_inherits
-- name: published_tables
-- pg_publication_tables opens each table from 16 on, and pg_partition_tree locks it on all versions.
SELECT r.prrelid::bigint FROM pg_publication_rel AS r
 UNION
SELECT c.oid::bigint FROM pg_class AS c
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND c.oid >= 16384
   AND EXISTS (SELECT FROM pg_publication WHERE puballtables)
-- name: published_schemas
-- From 15 on.
SELECT c.oid::bigint FROM pg_publication_namespace AS p
  JOIN pg_class AS c ON c.relnamespace = p.pnnspid
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
-- name: statement_statistics
SELECT n.nspname::text,
       EXISTS (SELECT FROM pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = 'toplevel' AND NOT a.attisdropped)
  FROM pg_extension AS e
  JOIN pg_namespace AS n ON n.oid = e.extnamespace
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements'
 WHERE e.extname = 'pg_stat_statements'
-- name: frequent_statements
-- Each text once, though several roles sent it.
SELECT s.query
  FROM {view} AS s
 WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND {toplevel}
 GROUP BY s.query
 ORDER BY sum(s.calls) DESC, s.query
 LIMIT 10000
