-- name: user_tables
-- User tables whose owner's rights this role has; the scan stops at the second one.
SELECT n.nspname, c.relname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog."char"[])
   AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
   AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
   AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
   AND NOT (n.nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
            AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY[%(table)s, %(journal)s]::pg_catalog.name[]))
   AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND d.objid OPERATOR(pg_catalog.=) c.oid
                      AND d.deptype OPERATOR(pg_catalog.=) 'e')
 LIMIT 2
-- name: ledgers
-- Other tables of the database that may be an applied set, under any name: readable tables with its
-- four columns, all of built-in types.
SELECT n.nspname, c.relname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog."char"[])
   AND NOT (n.nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
            AND c.relname OPERATOR(pg_catalog.=) %(table)s::pg_catalog.name)
   AND c.relnatts OPERATOR(pg_catalog.>=) 4
   AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
   -- Most tables of a large catalog are excluded by one index lookup: the column name is rare.
   AND EXISTS (SELECT FROM pg_catalog.pg_attribute a
                WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
                  AND a.attname OPERATOR(pg_catalog.=) 'applied_at')
   AND 4 OPERATOR(pg_catalog.=) (
           SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a
            WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid
              AND a.attname OPERATOR(pg_catalog.=)
                  ANY ('{{version,name,applied_at,checksum}}'::pg_catalog.name[])
              AND a.atttypid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid)
 ORDER BY 1, 2
-- name: made_in_schema
-- Whether the ledger's schema contains other objects besides the ledger.
SELECT EXISTS (
           SELECT FROM pg_catalog.pg_class c
            WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid
              AND c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p,v,m,f}}'::pg_catalog."char"[])
              AND c.relname OPERATOR(pg_catalog.<>)
                  ALL (ARRAY[%(table)s, %(journal)s]::pg_catalog.name[]))
    OR EXISTS (SELECT FROM pg_catalog.pg_proc p
                WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_type t
                WHERE t.typnamespace OPERATOR(pg_catalog.=) n.oid
                  AND t.typtype OPERATOR(pg_catalog.=) ANY ('{{e,d,r}}'::pg_catalog."char"[]))
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname OPERATOR(pg_catalog.=) %(schema)s::pg_catalog.name
