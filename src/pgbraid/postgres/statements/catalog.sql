-- name: begin
-- One snapshot for all queries; reading blocks no other session. The settings make the server print
-- every schema name, and make the output independent of the role, the database and the server.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
-- name: settings
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL quote_all_identifiers = off;
SET LOCAL standard_conforming_strings = on;
SET LOCAL lc_monetary = 'C';
SET LOCAL xmloption = content;
SET LOCAL row_security = off;
SET LOCAL statement_timeout = 0;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL jit = off
-- name: columns
-- The columns of all catalogs, and whether this role may read them. This query runs before `settings`,
-- so the role's quote_all_identifiers may be on; replace() removes the quotes.
SELECT c.relname::text, a.attname::text, pg_catalog.replace(pg_catalog.format_type(a.atttypid, NULL), '"', ''),
       pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r'
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY c.relname, a.attnum
-- name: keys
-- The references between catalogs, as the server declares them since PostgreSQL 14.
SELECT f.relname::text, k.fkcols, p.relname::text, k.pkcols, k.is_array
  FROM pg_catalog.pg_get_catalog_foreign_keys() k
  JOIN pg_catalog.pg_class f ON f.oid = k.fktable
  JOIN pg_catalog.pg_class p ON p.oid = k.pktable
-- name: excluded
-- The objects to leave out: members of extensions with their internal objects; and the ledger and
-- temporary tables, with their indexes, sequences and so on. A name "schema.*" stands for a schema
-- with its relations, types and functions, and with the triggers that call these. The first two names are the ledger's tables.
WITH RECURSIVE member (classid, objid) AS (
    SELECT classid, objid FROM pg_depend
     WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
     UNION
    SELECT d.classid, d.objid FROM pg_depend d
      JOIN member m ON d.refclassid = m.classid AND d.refobjid = m.objid
     WHERE d.deptype = 'i'
), ours (classid, objid) AS (
    SELECT 'pg_class'::regclass::oid, c.oid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname || '.' || c.relname = ANY (%(ours)s) OR n.nspname || '.*' = ANY (%(ours)s)
           OR c.relpersistence = 't'
     UNION ALL
    SELECT 'pg_namespace'::regclass, oid FROM pg_namespace WHERE nspname || '.*' = ANY (%(ours)s)
     UNION ALL
    SELECT t.tableoid, t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE cardinality(%(ours)s::text[]) > 2
       AND (n.nspname || '.' || t.typname = ANY (%(ours)s) OR n.nspname || '.*' = ANY (%(ours)s))
     UNION ALL
    SELECT p.tableoid, p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE cardinality(%(ours)s::text[]) > 2 AND n.nspname || '.*' = ANY (%(ours)s)
     UNION ALL
    SELECT t.tableoid, t.oid FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE cardinality(%(ours)s::text[]) > 2 AND n.nspname || '.*' = ANY (%(ours)s)
     UNION ALL
    SELECT t.tableoid, t.oid FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE cardinality(%(ours)s::text[]) > 2 AND n.nspname || '.*' = ANY (%(ours)s)
     UNION
    SELECT d.classid, d.objid FROM pg_depend d
      JOIN ours o ON d.refclassid = o.classid AND d.refobjid = o.objid
     WHERE d.deptype = ANY ('{{a,i}}'::"char"[])
)
SELECT json_agg(json_build_array(c.relname, objid::text, ours))
  FROM (SELECT classid, objid, false FROM member UNION ALL SELECT classid, objid, true FROM ours)
       AS apart (classid, objid, ours)
  JOIN pg_class c ON c.oid = classid
-- name: privileges
-- Privileges on the server's own objects, and on members of extensions, that were changed.
SELECT json_agg(json_build_array(i.type, i.identity, ARRAY(
           SELECT a::text FROM unnest(o.acl) AS a ORDER BY a::text COLLATE "C")::text))
  FROM (SELECT tableoid, oid, 0, relacl,
               acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)
               || CASE WHEN relnamespace = 'information_schema'::regnamespace
                       THEN makeaclitem(0, relowner, 'SELECT', false) END
          FROM pg_class WHERE relacl IS NOT NULL
         UNION ALL
        SELECT 'pg_class'::regclass, attrelid, attnum, attacl, '{{}}' FROM pg_attribute
         WHERE attacl IS NOT NULL AND NOT attisdropped
         UNION ALL
        SELECT tableoid, oid, 0, proacl, acldefault('f', proowner)
          FROM pg_proc WHERE proacl IS NOT NULL
         UNION ALL
        SELECT tableoid, oid, 0, typacl, acldefault('T', typowner)
          FROM pg_type WHERE typacl IS NOT NULL
         UNION ALL
        SELECT tableoid, oid, 0, nspacl,
               acldefault('n', nspowner)
               || CASE WHEN nspname = 'information_schema'
                       THEN makeaclitem(0, nspowner, 'USAGE', false) END
          FROM pg_namespace WHERE nspacl IS NOT NULL AND nspname <> 'public'
         UNION ALL
        SELECT tableoid, oid, 0, lanacl, acldefault('l', lanowner)
          FROM pg_language WHERE lanacl IS NOT NULL
         UNION ALL
        SELECT tableoid, oid, 0, fdwacl, acldefault('F', fdwowner)
          FROM pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL
         UNION ALL
        SELECT tableoid, oid, 0, srvacl, acldefault('S', srvowner)
          FROM pg_foreign_server WHERE srvacl IS NOT NULL)
       AS o (classid, objid, objsubid, acl, usual)
  LEFT JOIN pg_init_privs p
    ON p.objoid = o.objid AND p.classoid = o.classid AND p.objsubid = o.objsubid
  LEFT JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e',
       LATERAL pg_identify_object(o.classid, o.objid, o.objsubid) i
 WHERE (o.objid < 16384 OR d.objid IS NOT NULL)
   AND ARRAY(SELECT a::text FROM unnest(o.acl) AS a ORDER BY a::text COLLATE "C")
       IS DISTINCT FROM
       ARRAY(SELECT a::text FROM unnest(coalesce(p.initprivs, o.usual)) AS a
              ORDER BY a::text COLLATE "C")
-- name: member_owners
-- The owners of members of extensions that do not belong to the owner of the extension.
SELECT json_agg(json_build_array(i.type, i.identity, r.rolname))
  FROM (SELECT tableoid, oid, relowner FROM pg_class
         UNION ALL SELECT tableoid, oid, proowner FROM pg_proc
         UNION ALL SELECT tableoid, oid, typowner FROM pg_type
         UNION ALL SELECT tableoid, oid, lanowner FROM pg_language
         UNION ALL SELECT tableoid, oid, nspowner FROM pg_namespace
         UNION ALL SELECT tableoid, oid, fdwowner FROM pg_foreign_data_wrapper
         UNION ALL SELECT tableoid, oid, srvowner FROM pg_foreign_server
         UNION ALL SELECT tableoid, oid, oprowner FROM pg_operator
         UNION ALL SELECT tableoid, oid, opcowner FROM pg_opclass
         UNION ALL SELECT tableoid, oid, opfowner FROM pg_opfamily
         UNION ALL SELECT tableoid, oid, collowner FROM pg_collation
         UNION ALL SELECT tableoid, oid, conowner FROM pg_conversion
         UNION ALL SELECT tableoid, oid, cfgowner FROM pg_ts_config
         UNION ALL SELECT tableoid, oid, dictowner FROM pg_ts_dict) AS o (classid, objid, owner)
  JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'e'
   AND d.refclassid = 'pg_extension'::regclass
  JOIN pg_extension e ON e.oid = d.refobjid AND e.extowner <> o.owner
  JOIN pg_roles r ON r.oid = o.owner,
       LATERAL pg_identify_object(o.classid, o.objid, 0) i
-- name: comments
SELECT json_agg(json_build_array(c.relname, d.objoid::text, d.objsubid::text, d.description))
  FROM pg_description d JOIN pg_class c ON c.oid = d.classoid
 WHERE d.objoid >= 16384
    OR d.classoid = 'pg_extension'::regclass
    OR (d.classoid = 'pg_namespace'::regclass
        AND d.objoid = (SELECT oid FROM pg_namespace WHERE nspname = 'public'))
-- name: comments_of_the_server
-- A migration hardly ever changes these, so there is one digest for each catalog.
SELECT json_agg(json_build_array(c.relname, d.digest))
  FROM (SELECT classoid, sum(hashtextextended(objoid::text || ':' || objsubid::text || description, 0))::text
          FROM pg_description
         WHERE objoid < 12000 AND classoid <> 'pg_namespace'::regclass
         GROUP BY classoid) AS d (classoid, digest)
  JOIN pg_class c ON c.oid = d.classoid
-- name: labels
SELECT json_agg(json_build_array(c.relname, l.objoid::text, l.objsubid::text, l.provider, l.label))
  FROM pg_seclabel l JOIN pg_class c ON c.oid = l.classoid
-- name: settings_of_database
SELECT json_agg(json_build_array(s.setrole::text, ARRAY(
           SELECT o FROM unnest(s.setconfig) AS o ORDER BY o COLLATE "C")))
  FROM pg_db_role_setting s
 WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
-- name: dependencies
-- The dependencies that separate statements create: ALTER … DEPENDS ON EXTENSION, and ALTER SEQUENCE …
-- OWNED BY.
SELECT json_agg(json_build_array(c.relname, d.objid::text, r.relname, d.refobjid::text,
                                 d.refobjsubid::text, d.deptype::text))
  FROM pg_depend d
  JOIN pg_class c ON c.oid = d.classid JOIN pg_class r ON r.oid = d.refclassid
 WHERE d.objid >= 16384
   AND (d.deptype = 'x'
        OR (d.deptype = ANY ('{{a,i}}'::"char"[]) AND d.refobjsubid > 0
            AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
            AND EXISTS (SELECT FROM pg_class s WHERE s.oid = d.objid AND s.relkind = 'S')))
-- name: names
-- The names of objects of the server or of an extension that the user's objects refer to.
SELECT json_agg(json_build_array(n.class, n.id::text, i.type, i.identity))
  FROM json_to_recordset(%(objects)s) AS n (class text, id oid),
       LATERAL pg_identify_object(('pg_catalog.' || n.class)::regclass, n.id, 0) i
-- name: tables
-- The tables and materialized views that have or had rows. For each column: whether its value is
-- generated to identify the row (identity, a default that draws from a sequence, or in a key a user's
-- function that draws from one); the sequences that it draws from; and for a stored generated column the
-- columns that it is computed from. For each foreign key: the referring and the referenced columns.
-- A partitioned table is read as one table: the partition of a row follows from its key, and a key can be
-- random. But if one of the partitions is a foreign table, the local partitions are read separately.
SELECT json_agg(json_build_object(
           'oid', c.oid::text, 'name', format('%I.%I', n.nspname, c.relname),
           'kind', CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'table' END,
           'readable', has_table_privilege(c.oid, 'SELECT'),
           'filtered', row_security_active(c.oid),
           'partitioned', c.relkind = 'p', 'oids', tree.oids,
           'bytes', tree.bytes,
           'columns', (
               SELECT json_agg(json_build_array(
                          a.attname,
                          a.attidentity <> '' OR used.sequences <> '{{}}' OR (k.in_key AND used.draws),
                          used.sequences || called.sequences,
                          CASE WHEN a.attgenerated <> '' THEN used.columns END,
                          a.atttypid::text, a.atttypid < 16384, a.attnum) ORDER BY a.attname)
                 FROM pg_attribute a
                 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum,
                      LATERAL (SELECT EXISTS (
                          SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique
                             AND x.indnkeyatts = 1 AND x.indkey[0] = a.attnum)) AS k (in_key),
                      LATERAL (
                          SELECT ARRAY(
                                     SELECT u.refobjid::regclass::text FROM pg_depend u
                                       JOIN pg_class s ON s.oid = u.refobjid AND s.relkind = 'S'
                                      WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid
                                        AND u.refclassid = 'pg_class'::regclass
                                      UNION
                                     SELECT u.objid::regclass::text FROM pg_depend u
                                       JOIN pg_class s ON s.oid = u.objid AND s.relkind = 'S'
                                      WHERE u.classid = 'pg_class'::regclass
                                        AND u.refclassid = 'pg_class'::regclass
                                        AND u.refobjid = c.oid AND u.refobjsubid = a.attnum
                                        AND u.deptype = ANY ('{{a,i}}'::"char"[])),
                                 EXISTS (
                                     SELECT FROM pg_depend u JOIN pg_proc p ON p.oid = u.refobjid
                                      WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid
                                        AND u.refclassid = 'pg_proc'::regclass
                                        AND p.oid >= 16384 AND p.provolatile = 'v'
                                        AND (p.prosrc ~* '\mnextval\M' OR EXISTS (
                                            SELECT FROM pg_depend w
                                              JOIN pg_class s ON s.oid = w.refobjid AND s.relkind = 'S'
                                             WHERE w.classid = 'pg_proc'::regclass AND w.objid = p.oid
                                               AND w.refclassid = 'pg_class'::regclass))),
                                 ARRAY(
                                     SELECT o.attname FROM pg_depend u
                                       JOIN pg_attribute o ON o.attrelid = c.oid
                                        AND o.attnum = u.refobjsubid AND o.attnum <> a.attnum
                                      WHERE (u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid
                                             -- Before PostgreSQL 15 the dependency is the column's.
                                             OR u.classid = 'pg_class'::regclass
                                                AND u.objid = c.oid AND u.objsubid = a.attnum)
                                        AND u.refclassid = 'pg_class'::regclass
                                        AND u.refobjid = c.oid)
                      ) AS used (sequences, draws, columns),
                      -- For a key: the sequences that a function draws from, in the default or in a
                      -- trigger that sets the column. Only the function's text names the sequence,
                      -- so there is no row in pg_depend.
                      LATERAL (SELECT ARRAY(
                          SELECT s.oid::regclass::text
                            FROM (SELECT u.refobjid FROM pg_depend u
                                   WHERE k.in_key AND u.objid = d.oid
                                     AND u.classid = 'pg_attrdef'::regclass
                                     AND u.refclassid = 'pg_proc'::regclass
                                   UNION
                                  SELECT g.tgfoid FROM pg_trigger g
                                    JOIN pg_proc p ON p.oid = g.tgfoid
                                   WHERE k.in_key AND g.tgrelid = c.oid AND NOT g.tgisinternal
                                     AND p.prosrc ~* ('\mnew\s*\.\s*"?' || regexp_replace(
                                         a.attname, '(\W)', '\\\1', 'g') || '"?\s*:?=')
                                 ) AS f (oid)
                            JOIN pg_proc p ON p.oid = f.oid AND p.oid >= 16384
                            JOIN pg_class s ON s.relkind = 'S'
                             AND (p.prosrc ~* '\mnextval\M' AND p.prosrc ~ ('\m' || regexp_replace(
                                      s.relname, '(\W)', '\\\1', 'g') || '\M')
                                  OR EXISTS (
                                     SELECT FROM pg_depend w
                                      WHERE w.classid = 'pg_proc'::regclass AND w.objid = p.oid
                                        AND w.refclassid = 'pg_class'::regclass
                                        AND w.refobjid = s.oid))
                           WHERE s.oid::regclass::text <> ALL (used.sequences)
                           ORDER BY 1)) AS called (sequences)
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
           'keys', (
               SELECT json_agg(json_build_array(
                          ARRAY(SELECT o.attname FROM unnest(f.conkey) WITH ORDINALITY AS k (n, i)
                                  JOIN pg_attribute o ON o.attrelid = f.conrelid AND o.attnum = k.n
                                 ORDER BY k.i),
                          f.confrelid::text,
                          ARRAY(SELECT o.attname FROM unnest(f.confkey) WITH ORDINALITY AS k (n, i)
                                  JOIN pg_attribute o ON o.attrelid = f.confrelid AND o.attnum = k.n
                                 ORDER BY k.i)) ORDER BY f.conname, f.oid)
                 FROM pg_constraint f JOIN pg_class t ON t.oid = f.confrelid
                WHERE f.conrelid = c.oid AND f.contype = 'f' AND t.relkind IN ('r', 'p')
                  AND NOT EXISTS (SELECT FROM pg_constraint q
                                   WHERE q.oid = f.conparentid AND q.conrelid = f.conrelid)),
           'query', CASE WHEN c.relkind = 'm' THEN (
               SELECT w.ev_action::text FROM pg_rewrite w WHERE w.ev_class = c.oid) END)
           ORDER BY n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
       LATERAL (
           SELECT sum(pg_relation_size(t.relid)), json_agg(t.relid::text ORDER BY t.relid),
                  bool_or('f' = (SELECT p.relkind FROM pg_class p WHERE p.oid = t.relid))
             FROM (SELECT c.oid AS relid WHERE c.relkind <> 'p' AND NOT c.relispartition
                   UNION ALL
                   SELECT relid FROM pg_partition_tree(pg_partition_root(c.oid))) AS t
       ) AS tree (bytes, oids, has_foreign)
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'p') AND c.relispopulated
   AND c.relpersistence <> 't' AND tree.bytes > 0
   AND CASE WHEN tree.has_foreign THEN c.relkind <> 'p' ELSE NOT c.relispartition END
-- name: row_keys
-- The keys of a table, the primary key first: unique indexes over columns that are never null.
SELECT json_agg(ARRAY(SELECT a.attname FROM unnest(x.indkey) WITH ORDINALITY AS k (n, i)
                        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.n
                       WHERE k.i <= x.indnkeyatts ORDER BY k.i)
                ORDER BY x.indisprimary DESC, x.indnkeyatts, c.relname)
  FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
 WHERE x.indrelid = %(table)s::oid AND x.indisunique AND x.indisvalid
   AND x.indpred IS NULL AND x.indexprs IS NULL
   AND NOT EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = x.indrelid AND NOT a.attnotnull
                      AND a.attnum = ANY (x.indkey::int2[]))
-- name: sequences
SELECT json_agg(format('%I.%I', n.nspname, c.relname))
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid >= 16384 AND c.relkind = 'S' AND c.relpersistence <> 't'
   AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') END
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
-- name: large_objects
SELECT json_agg(json_build_array(md5(lo_get(l.oid)), r.rolname, ARRAY(
           SELECT a::text FROM unnest(coalesce(l.lomacl, acldefault('L', l.lomowner))) AS a
            ORDER BY a::text COLLATE "C")::text, obj_description(l.oid, 'pg_largeobject')))
  FROM pg_largeobject_metadata l JOIN pg_roles r ON r.oid = l.lomowner
-- name: shared_objects
-- The objects that the databases of a server share, and the facts about this database that belong to the
-- server: catalog, name, the object that it belongs to, and its facts. Roles that were set aside, and other
-- scratch databases, are left out. Attributes that a later version added are read by their names.
WITH roles AS (
    SELECT * FROM pg_roles WHERE rolname NOT LIKE %(aside)s
), databases AS (
    SELECT d.*, CASE WHEN datname = current_database() THEN 'the database'
                     ELSE format('database %%I', datname) END AS name
      FROM pg_database d WHERE datname = current_database() OR datname NOT LIKE %(scratch)s
)
SELECT json_agg(json_build_array(class, name, parent, facts)) FROM (
    SELECT 'pg_authid', format('role %%I', rolname), NULL,
           ARRAY[rolsuper::text, rolinherit::text, rolcreaterole::text, rolcreatedb::text, rolcanlogin::text,
                 rolreplication::text, rolbypassrls::text, rolconnlimit::text, rolvaliduntil::text,
                 shobj_description(oid, 'pg_authid')]
      FROM roles
     UNION ALL
    -- Since PostgreSQL 16, several roles can grant one membership.
    SELECT 'pg_auth_members', format('membership of role %%I in role %%I', m.rolname, r.rolname),
           format('role %%I', m.rolname),
           ARRAY[string_agg(a.admin_option::text, ', ' ORDER BY g.rolname COLLATE "C"),
                 string_agg(to_jsonb(a) ->> 'inherit_option', ', ' ORDER BY g.rolname COLLATE "C"),
                 string_agg(to_jsonb(a) ->> 'set_option', ', ' ORDER BY g.rolname COLLATE "C"),
                 string_agg(g.rolname, ', ' ORDER BY g.rolname COLLATE "C")]
      FROM pg_auth_members a JOIN roles r ON r.oid = a.roleid JOIN roles m ON m.oid = a.member
      LEFT JOIN roles g ON g.oid = a.grantor
     GROUP BY m.rolname, r.rolname
     UNION ALL
    -- The settings of this database are a part of its schema.
    SELECT 'pg_db_role_setting',
           format('setting %%s of %%s', split_part(o, '=', 1),
                  concat_ws(' in ', 'role ' || quote_ident(r.rolname), d.name)),
           coalesce('role ' || quote_ident(r.rolname), d.name),
           ARRAY[substr(o, strpos(o, '=') + 1)]
      FROM pg_db_role_setting s
      LEFT JOIN roles r ON r.oid = s.setrole LEFT JOIN databases d ON d.oid = s.setdatabase,
           unnest(s.setconfig) AS o
     WHERE (s.setrole = 0 OR r.oid IS NOT NULL) AND (s.setdatabase = 0 OR d.oid IS NOT NULL)
       AND d.name IS DISTINCT FROM 'the database'
     UNION ALL
    SELECT 'pg_database', d.name, NULL,
           ARRAY[r.rolname::text, privileges.listed, shobj_description(d.oid, 'pg_database'),
                 -- The limit of a scratch database is its mark.
                 CASE WHEN d.name <> 'the database' THEN datconnlimit::text END,
                 datallowconn::text, datistemplate::text]
      FROM databases d LEFT JOIN roles r ON r.oid = d.datdba,
           LATERAL (SELECT ARRAY(SELECT a::text FROM unnest(coalesce(datacl, acldefault('d', datdba))) AS a
                                  ORDER BY a::text COLLATE "C")::text) AS privileges (listed)
     UNION ALL
    SELECT 'pg_tablespace', format('tablespace %%I', spcname), NULL,
           ARRAY[r.rolname::text, spcacl::text, spcoptions::text, shobj_description(s.oid, 'pg_tablespace')]
      FROM pg_tablespace s LEFT JOIN roles r ON r.oid = s.spcowner
) AS object (class, name, parent, facts)
-- name: shared_objects_since_15
SELECT json_agg(json_build_array('pg_parameter_acl', format('parameter %%s', parname), NULL,
                                 ARRAY[paracl::text]))
  FROM pg_parameter_acl
-- name: shared_objects_of_superuser
-- A password is compared only by whether there is one.
SELECT json_agg(json_build_array(class, name, parent, facts)) FROM (
    SELECT 'passwords', format('password of role %%I', rolname), format('role %%I', rolname),
           ARRAY[CASE WHEN rolpassword IS NULL THEN 'none' ELSE 'set' END]
      FROM pg_authid WHERE rolname NOT LIKE %(aside)s
     UNION ALL
    SELECT 'pg_file_settings', 'setting ' || name || ' of the server', NULL, ARRAY[setting]
      FROM pg_file_settings WHERE sourcefile LIKE '%%auto.conf'
     UNION ALL
    SELECT 'pg_replication_origin', 'replication origin ' || roname, NULL, ARRAY['exists']
      FROM pg_replication_origin WHERE roname !~ '^pg_[0-9]+$'
) AS object (class, name, parent, facts)
