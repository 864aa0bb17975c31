-- name: facts
SELECT pg_catalog.pg_is_in_recovery(),
       pg_catalog.pg_backend_pid(),
       pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
       pg_catalog.current_setting('synchronous_commit'),
       pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool,
       CURRENT_USER::pg_catalog.text,
       (SELECT EXTRACT(epoch FROM backend_start)::pg_catalog.float8
          FROM pg_catalog.pg_stat_activity
         WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())
-- name: backend_identity
SELECT CURRENT_USER::pg_catalog.text, pg_catalog.pg_backend_pid()
-- name: pin
-- Settings that could redirect our own statements (search_path), cut them short (time-outs of the
-- role), or hide rows from them (row_security).
SET search_path = pg_catalog, pg_temp;
SET idle_in_transaction_session_timeout = 0;
SET row_security = off;
SET standard_conforming_strings = on
-- name: pin_14
SET idle_session_timeout = 0
-- name: pin_17
SET transaction_timeout = 0
-- name: check_interval
-- Releases the lock of a client that died during a long statement. Some platforms reject the last
-- setting. A dead host is detected by the kernel's keepalives, during a statement only with both.
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
SET client_connection_check_interval = '5s'
-- name: pin_local
-- The same for one transaction: behind a pooler, the session then serves another client.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL row_security = off;
SET LOCAL standard_conforming_strings = on;
SET LOCAL client_encoding = 'UTF8'
-- name: pin_local_14
-- The pooler closes the session of a client that dies in a transaction; this detects it. Some
-- platforms reject the setting, and an error would abort the transaction.
DO $pgbraid$
BEGIN
    SET LOCAL client_connection_check_interval = '5s';
EXCEPTION WHEN invalid_parameter_value THEN
    NULL;
END
$pgbraid$
-- name: reset_pooled
-- Removes what a body left in a pooler's session, before the transaction ends. Settings are
-- restored by name (set_again): RESET ALL would also reset custom settings of the pooler, which
-- pg_settings does not list.
CLOSE ALL;
UNLISTEN *;
DISCARD TEMP;
DISCARD SEQUENCES
-- name: release_pooled
-- Removes what no rollback removes. Prepared statements are deallocated by name: DEALLOCATE ALL
-- would include those that the pooler keeps for other clients (from_sql is false for these).
SELECT pg_catalog.pg_advisory_unlock_all();
DO $pgbraid$
DECLARE
    prepared pg_catalog.text;
BEGIN
    FOR prepared IN SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql LOOP
        EXECUTE pg_catalog.concat('DEALLOCATE ', pg_catalog.quote_ident(prepared));
    END LOOP;
END
$pgbraid$
-- name: settings_by_client
-- The session's settings as set by the pooler or an earlier client. Session authorization and role
-- come last, in this order, as restoring the former resets the latter.
SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings
 WHERE source OPERATOR(pg_catalog.=) 'session'::pg_catalog.text
   AND context OPERATOR(pg_catalog.=) ANY ('{{user,superuser}}'::pg_catalog.text[])
   AND name OPERATOR(pg_catalog.<>) ALL
       ('{{transaction_isolation,transaction_read_only,transaction_deferrable}}'::pg_catalog.text[])
UNION ALL
SELECT 'session_authorization', SESSION_USER::pg_catalog.text
UNION ALL
SELECT 'role', pg_catalog.current_setting('role')
-- name: current_settings
-- The values of these settings; NULL for one that was never set.
SELECT name, pg_catalog.current_setting(name, true)
  FROM pg_catalog.unnest(%(names)s::pg_catalog.text[]) AS name
-- name: restore_setting
SELECT pg_catalog.set_config(%(name)s, %(value)s, false)
-- name: try_xact_lock
SELECT pg_catalog.pg_try_advisory_xact_lock(%(key)s)
-- name: reset
-- DISCARD ALL without pg_advisory_unlock_all(), which would release our session lock, and without
-- DEALLOCATE ALL.
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
CLOSE ALL;
UNLISTEN *;
DISCARD TEMP;
DISCARD SEQUENCES;
RESET ALL
-- name: deallocate
DEALLOCATE ALL
-- name: try_lock
SELECT pg_catalog.pg_try_advisory_lock(%(key)s)
-- name: locks_held
-- Whether the session holds our lock, and whether a body has left other advisory locks in it.
SELECT coalesce(bool_or(ours), false), coalesce(bool_or(NOT ours), false)
  FROM (SELECT (classid::bigint << 32) | objid::bigint = %(key)s AND objsubid = 1
          FROM pg_catalog.pg_locks
         WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()) AS held (ours)
-- name: unlock_all
SELECT pg_catalog.pg_advisory_unlock_all()
-- name: lock_pids
SELECT l.pid
  FROM pg_catalog.pg_locks l
 WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.granted
   AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
   AND l.database OPERATOR(pg_catalog.=) (
           SELECT oid FROM pg_catalog.pg_database
            WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   AND (l.classid::pg_catalog.int8 OPERATOR(pg_catalog.<<) 32)
       OPERATOR(pg_catalog.|) l.objid::pg_catalog.int8 OPERATOR(pg_catalog.=) %(key)s
   AND l.objsubid OPERATOR(pg_catalog.=) 1
-- name: table_holders
SELECT DISTINCT l.pid
  FROM pg_catalog.pg_locks l
 WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.granted
   AND l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
   AND l.database OPERATOR(pg_catalog.=) (
           SELECT oid FROM pg_catalog.pg_database
            WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
   AND l.relation OPERATOR(pg_catalog.=) ANY (ARRAY[
           pg_catalog.to_regclass({ledger_text}), pg_catalog.to_regclass({journal_text})]
           ::pg_catalog.oid[])
-- name: describe_backends
-- Other sessions, for a description in messages.
SELECT a.pid, a.usename::pg_catalog.text, a.application_name, a.backend_type,
       coalesce(pg_catalog.host(a.client_addr), 'local'),
       pg_catalog.to_char(coalesce(a.xact_start, a.backend_start), 'YYYY-MM-DD HH24:MI:SSOF'),
       a.xact_start IS NOT NULL, a.state, pg_catalog."left"(a.query, 1000)
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid OPERATOR(pg_catalog.=) ANY (%(pids)s::pg_catalog.int4[])
 ORDER BY a.xact_start
-- name: wait_event
-- The wait of a session: its wait event, the pids that block it, and the lock it waits for.
SELECT a.wait_event, pg_catalog.pg_blocking_pids(a.pid),
       (SELECT coalesce(
                   (SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
                      FROM pg_catalog.pg_class c
                      JOIN pg_catalog.pg_namespace n
                        ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                     WHERE c.oid OPERATOR(pg_catalog.=) l.relation),
                   CASE l.locktype WHEN 'virtualxid' THEN 'the end of an older transaction'
                        WHEN 'transactionid' THEN 'the end of another transaction'
                        WHEN 'tuple' THEN 'a row' ELSE l.locktype END)
          FROM pg_catalog.pg_locks l
         WHERE l.pid OPERATOR(pg_catalog.=) a.pid AND NOT l.granted LIMIT 1)
  FROM pg_catalog.pg_stat_activity a WHERE a.pid OPERATOR(pg_catalog.=) %(pid)s
-- name: index_progress
-- The progress of the index that a session builds.
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname), p.phase,
       greatest(p.blocks_done, 0), greatest(p.blocks_total, 0),
       greatest(p.tuples_done, 0), greatest(p.tuples_total, 0)
  FROM pg_catalog.pg_stat_progress_create_index p
  LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relid
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE p.pid OPERATOR(pg_catalog.=) %(pid)s
-- name: cancel
-- Cancels only a wait for a synchronous standby, never the statement that the session runs next.
SELECT pg_catalog.pg_cancel_backend(pid)
  FROM pg_catalog.pg_stat_activity
 WHERE pid OPERATOR(pg_catalog.=) %(pid)s
   AND wait_event OPERATOR(pg_catalog.=) 'SyncRep'::pg_catalog.text
-- name: begin
-- The xact lock, together with the check of the applied set, makes a migration run exactly once,
-- even if the session lock was lost.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT pg_catalog.pg_try_advisory_xact_lock(%(key)s),
       pg_catalog.pg_current_xact_id()::pg_catalog.text, pg_catalog.pg_backend_pid(),
       pg_catalog.pg_relation_filenode(pg_catalog.to_regclass({ledger_text}))::pg_catalog.text
-- name: begin_without_xid
-- The same for a body that runs only in a transaction without an xid. The transaction is identified
-- by its virtual id, which each transaction locks, and which is unique in the server.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT pg_catalog.pg_try_advisory_xact_lock(%(key)s),
       (SELECT l.virtualtransaction FROM pg_catalog.pg_locks l
         WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
           AND l.locktype OPERATOR(pg_catalog.=) 'virtualxid'::pg_catalog.text
           AND l.virtualxid OPERATOR(pg_catalog.=) l.virtualtransaction),
       pg_catalog.pg_backend_pid(),
       pg_catalog.pg_relation_filenode(pg_catalog.to_regclass({ledger_text}))::pg_catalog.text
-- name: filenode
-- It changes if the table was truncated, or dropped and created again.
SELECT pg_catalog.pg_relation_filenode(pg_catalog.to_regclass({ledger_text}))::pg_catalog.text
-- name: written
-- Whether this transaction has written to the applied set, to a partition of it or to a table that
-- inherits from it, or has truncated one of the latter. Every write takes one of these locks and
-- holds it until the transaction ends. Statistics would miss writes while track_counts is off.
SELECT EXISTS (
               SELECT FROM pg_catalog.pg_locks l
                WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
                  AND (l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock'
                       OR l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
                          AND l.relation OPERATOR(pg_catalog.<>)
                              pg_catalog.to_regclass({ledger_text})::pg_catalog.oid)
                  AND l.relation OPERATOR(pg_catalog.=) ANY (
                      WITH RECURSIVE tree (oid) AS (
                          SELECT pg_catalog.to_regclass({ledger_text})::pg_catalog.oid
                           UNION
                          SELECT i.inhrelid FROM pg_catalog.pg_inherits i
                            JOIN tree ON tree.oid OPERATOR(pg_catalog.=) i.inhparent)
                      SELECT oid FROM tree))
-- name: counted
-- The same from the statistics, for a transaction in which pgbraid itself wrote to the applied set.
SELECT pg_catalog.concat_ws(
           ':', pg_catalog.pg_relation_filenode(pg_catalog.to_regclass({ledger_text})),
           pg_catalog.pg_stat_get_xact_tuples_inserted(pg_catalog.to_regclass({ledger_text})),
           pg_catalog.pg_stat_get_xact_tuples_updated(pg_catalog.to_regclass({ledger_text})),
           pg_catalog.pg_stat_get_xact_tuples_deleted(pg_catalog.to_regclass({ledger_text})))
-- name: begin_in_message
-- Like `begin`, for a message whose results are read only at its end: a condition that fails
-- divides by zero. The transaction id is kept in a setting that is local to the transaction, so
-- COMMIT AND CHAIN drops it. The names are unqualified, as search_path is still pinned:
-- pg_stat_activity shows only 1 kB of the message, and that should include the body.
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SELECT 1 / CASE WHEN pg_try_advisory_xact_lock(%(key)s) THEN 1 ELSE 0 END AS pgbraid_xact_lock,
set_config('pgbraid.transaction', pg_current_xact_id()::text, true),
set_config('pgbraid.started_at', extract(epoch FROM clock_timestamp())::text, true),
set_config('pgbraid.filenode', pg_relation_filenode(to_regclass({ledger_text}))::text, true)
-- name: assert_not_applied
SELECT 1 OPERATOR(pg_catalog./)
       CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.=) 0 THEN 1 ELSE 0 END
  FROM {ledger} WHERE version OPERATOR(pg_catalog.=) %(version)s
-- name: assert_transaction_intact
-- Divides by zero unless this is still the transaction that was begun, and the body did not write
-- to the applied set.
SELECT 1 OPERATOR(pg_catalog./)
       CASE WHEN pg_catalog.current_setting('pgbraid.transaction', true)
                 OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
             AND coalesce(pg_catalog.current_setting('pgbraid.filenode', true), '')
                 OPERATOR(pg_catalog.=) coalesce(
                     pg_catalog.pg_relation_filenode(pg_catalog.to_regclass({ledger_text}))
                     ::pg_catalog.text, '')
             AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_locks l
                WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
                  AND (l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock'
                       OR l.mode OPERATOR(pg_catalog.=) 'AccessExclusiveLock'
                          AND l.relation OPERATOR(pg_catalog.<>)
                              pg_catalog.to_regclass({ledger_text})::pg_catalog.oid)
                  AND l.relation OPERATOR(pg_catalog.=) ANY (
                      WITH RECURSIVE tree (oid) AS (
                          SELECT pg_catalog.to_regclass({ledger_text})::pg_catalog.oid
                           UNION
                          SELECT i.inhrelid FROM pg_catalog.pg_inherits i
                            JOIN tree ON tree.oid OPERATOR(pg_catalog.=) i.inhparent)
                      SELECT oid FROM tree))
            THEN 1 ELSE 0 END AS pgbraid_guard
-- name: assert_same_transaction
-- The same for a ledger that no script of a run on an empty database has named. The list of locks,
-- which the check above reads, costs more than the rest of our statements together. The ledger can
-- still be dropped with its schema.
SELECT 1 OPERATOR(pg_catalog./)
       CASE WHEN pg_catalog.current_setting('pgbraid.transaction', true)
                 OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
             AND coalesce(pg_catalog.current_setting('pgbraid.filenode', true), '')
                 OPERATOR(pg_catalog.=) coalesce(
                     pg_catalog.pg_relation_filenode(pg_catalog.to_regclass({ledger_text}))
                     ::pg_catalog.text, '')
            THEN 1 ELSE 0 END AS pgbraid_guard
-- name: flush
-- A commit that has written WAL waits until all WAL before it is on disk; a commit without writes
-- does not wait. So this transaction writes a record.
SELECT pg_catalog.pg_logical_emit_message(true, 'pgbraid', 'flush');
COMMIT
-- name: is_alive
-- Runs before search_path is pinned, so all names are qualified.
SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0
  FROM pg_catalog.pg_stat_activity WHERE pid OPERATOR(pg_catalog.=) %(pid)s
-- name: body_settings
-- A body gets the search_path and the row security that any other session of this role has.
SET LOCAL search_path TO DEFAULT;
SET LOCAL row_security TO DEFAULT
-- name: parsing_settings
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on
-- name: finish_body
-- The settings of a body must not affect the statements that record the migration.
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL row_security = off;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SET LOCAL statement_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0
-- name: immediate_constraints
-- The names of deferrable constraints that are initially immediate. Several constraints of a schema
-- may share a name; SET CONSTRAINTS accepts it only if all of them are deferrable.
SELECT n.nspname, c.conname
  FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
 WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   AND c.contype = ANY ('{{f,u,p,x,t}}'::pg_catalog."char"[])
 GROUP BY n.nspname, c.conname
HAVING pg_catalog.bool_and(c.condeferrable) AND NOT pg_catalog.bool_or(c.condeferred)
-- name: in_transaction
SELECT pg_catalog.pg_current_xact_id() = %(id)s::pg_catalog.xid8
-- name: in_virtual_transaction
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_locks l
     WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
       AND l.locktype OPERATOR(pg_catalog.=) 'virtualxid'::pg_catalog.text
       AND l.virtualxid OPERATOR(pg_catalog.=) l.virtualtransaction
       AND l.virtualtransaction OPERATOR(pg_catalog.=) %(id)s::pg_catalog.text)
