-- name: index
-- The index of a name that a CREATE INDEX on a table makes, by the search path as it is: its full
-- name, whether it is valid, whether it is that table's, and its definition.
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname),
       coalesce(x.indisvalid, false),
       coalesce(x.indrelid OPERATOR(pg_catalog.=) c.oid, false),
       coalesce(pg_catalog.pg_get_indexdef(x.indexrelid), '')
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
SELECT pg_catalog.to_regclass(%(name)s)::pg_catalog.oid
-- name: invalid
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname)
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
 WHERE x.indexrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(name)s)
   AND NOT x.indisvalid
-- name: detaching
SELECT inhdetachpending FROM pg_catalog.pg_inherits
 WHERE inhrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(name)s)
   AND inhparent OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(table)s)
-- name: leftovers
-- The invalid copies that REINDEX CONCURRENTLY makes, of one index or of a table's, of which the
-- first part of the name is the index's.
SELECT pg_catalog.format('%%I.%%I', n.nspname, i.relname)
  FROM pg_catalog.pg_index x
  JOIN pg_catalog.pg_class i ON i.oid OPERATOR(pg_catalog.=) x.indexrelid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) i.relnamespace
 WHERE NOT x.indisvalid
   AND i.relname OPERATOR(pg_catalog.~) '_cc(new|old)[0-9]*$'::pg_catalog.text
   AND (x.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(name)s)
        OR EXISTS (
               SELECT FROM pg_catalog.pg_index own
                 JOIN pg_catalog.pg_class o ON o.oid OPERATOR(pg_catalog.=) own.indexrelid
                WHERE own.indexrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(%(name)s)
                  AND own.indrelid OPERATOR(pg_catalog.=) x.indrelid
                  AND pg_catalog.starts_with(
                          i.relname::pg_catalog.text,
                          pg_catalog."left"(o.relname::pg_catalog.text, 50))))
