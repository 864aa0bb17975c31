-- name: index
-- The relation with the name that a CREATE INDEX gives to its index, in the schema of the table:
-- its qualified name, whether it is a valid index, whether it is a plain index of that table, its
-- definition, whether another session builds an index of the table or vacuums it, its oid, and its
-- kind. The index of an exclusion or deferrable constraint has the definition of a plain index, but
-- is not one.
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname),
       coalesce(x.indisvalid, false),
       coalesce(x.indrelid OPERATOR(pg_catalog.=) c.oid AND x.indimmediate
                AND NOT x.indisexclusion
                AND i.relkind OPERATOR(pg_catalog.=) 'i'::pg_catalog."char", false),
       coalesce(pg_catalog.pg_get_indexdef(x.indexrelid), ''),
       EXISTS (
           SELECT FROM pg_catalog.pg_locks l
            WHERE l.relation OPERATOR(pg_catalog.=) x.indrelid AND l.granted
              AND l.locktype OPERATOR(pg_catalog.=) 'relation'::pg_catalog.text
              AND l.mode OPERATOR(pg_catalog.=) 'ShareUpdateExclusiveLock'::pg_catalog.text
              AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
              AND l.database OPERATOR(pg_catalog.=) (
                      SELECT d.oid FROM pg_catalog.pg_database d
                       WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())),
       i.oid,
       CASE WHEN x.indexrelid IS NOT NULL THEN 'index'
            WHEN i.relkind OPERATOR(pg_catalog.=) 'v'::pg_catalog."char" THEN 'view'
            WHEN i.relkind OPERATOR(pg_catalog.=) 'm'::pg_catalog."char" THEN 'materialized view'
            WHEN i.relkind OPERATOR(pg_catalog.=) 'S'::pg_catalog."char" THEN 'sequence'
            WHEN i.relkind OPERATOR(pg_catalog.=) 'c'::pg_catalog."char" THEN 'type'
            ELSE 'table' END
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_class i
    ON i.relnamespace OPERATOR(pg_catalog.=) c.relnamespace
   AND i.relname OPERATOR(pg_catalog.=)
       (pg_catalog.parse_ident(%(name)s))[1]::pg_catalog.name
  LEFT JOIN pg_catalog.pg_index x ON x.indexrelid OPERATOR(pg_catalog.=) i.oid
 WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(table)s)
-- name: definition
SELECT pg_catalog.pg_get_indexdef(pg_catalog.to_regclass(%(name)s))
-- name: relation
-- A relation's oid, and whether it is a partitioned table or a partitioned index.
SELECT c.oid, c.relkind OPERATOR(pg_catalog.=) ANY ('{{p,I}}'::pg_catalog."char"[])
  FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(name)s)
-- name: table_of
SELECT indrelid FROM pg_catalog.pg_index
 WHERE indexrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(name)s)
-- name: may_make_temporary
SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP')
-- name: namespace
SELECT pg_catalog.to_regnamespace(%(name)s)::pg_catalog.oid
-- name: invalid
-- The qualified names of those of these indexes that are invalid.
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname)
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
 WHERE x.indexrelid OPERATOR(pg_catalog.=) ANY (%(oids)s::pg_catalog.oid[])
   AND NOT x.indisvalid
 ORDER BY 1
-- name: relation_exists
SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) %(oid)s)
-- name: attached
SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits
                WHERE inhrelid OPERATOR(pg_catalog.=) %(child)s
                  AND inhparent OPERATOR(pg_catalog.=) %(parent)s)
-- name: detaching
SELECT inhdetachpending FROM pg_catalog.pg_inherits
 WHERE inhrelid OPERATOR(pg_catalog.=) %(child)s AND inhparent OPERATOR(pg_catalog.=) %(parent)s
-- name: reindex_leftovers
-- The invalid copies that REINDEX CONCURRENTLY leaves, with their oids, and whether another session
-- builds an index of the table or vacuums it. The scope is an index, a table with its TOAST table,
-- a schema or the database, with partitions. A copy has the name of the index, shortened if too
-- long, with the suffix _ccnew or _ccold and maybe a number.
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname),
       EXISTS (
           SELECT FROM pg_catalog.pg_locks l
            WHERE l.relation OPERATOR(pg_catalog.=) x.indrelid AND l.granted
              AND l.locktype OPERATOR(pg_catalog.=) 'relation'::pg_catalog.text
              AND l.mode OPERATOR(pg_catalog.=) 'ShareUpdateExclusiveLock'::pg_catalog.text
              AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
              AND l.database OPERATOR(pg_catalog.=) (
                      SELECT d.oid FROM pg_catalog.pg_database d
                       WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())),
       i.oid
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
  JOIN pg_catalog.pg_class t ON t.oid OPERATOR(pg_catalog.=) x.indrelid
 CROSS JOIN LATERAL pg_catalog.regexp_replace(
           i.relname::pg_catalog.text, '_cc(new|old)[0-9]*$', '') AS original (name)
  LEFT JOIN pg_catalog.pg_class owner ON owner.reltoastrelid OPERATOR(pg_catalog.=) t.oid
 WHERE NOT x.indisvalid
   AND original.name OPERATOR(pg_catalog.<>) i.relname::pg_catalog.text
   AND CASE %(scope)s
       WHEN 'index' THEN EXISTS (
           SELECT FROM pg_catalog.pg_index own
             JOIN pg_catalog.pg_class o ON o.oid OPERATOR(pg_catalog.=) own.indexrelid
            WHERE own.indexrelid IN (
                      SELECT pg_catalog.to_regclass(%(name)s)::pg_catalog.oid
                       UNION ALL
                      SELECT tree.relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(
                                 pg_catalog.to_regclass(%(name)s)) AS tree)
              AND own.indrelid OPERATOR(pg_catalog.=) x.indrelid
              AND (o.relname::pg_catalog.text OPERATOR(pg_catalog.=) original.name
                   OR pg_catalog.octet_length(i.relname::pg_catalog.text)
                      OPERATOR(pg_catalog.>=) 62
                   AND pg_catalog.starts_with(o.relname::pg_catalog.text, original.name)))
       WHEN 'table' THEN coalesce(owner.oid, t.oid) IN (
           SELECT pg_catalog.to_regclass(%(name)s)::pg_catalog.oid
            UNION ALL
           SELECT tree.relid::pg_catalog.oid
             FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%(name)s)) AS tree)
       WHEN 'schema' THEN coalesce(owner.relnamespace, t.relnamespace)
           OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace(%(name)s)
       ELSE true END
