"""Builds the queries that read every table of pg_catalog for a snapshot.

The queries are generic, so that a new server version's tables and columns are read, too. This
module names the exceptions: volatile columns, columns that repeat another fact, and shared
catalogs. The references between the tables are those that the server declares.
"""

from __future__ import annotations

import json
import pkgutil
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pgbraid.postgres.catalog.object_parts import (
    DEPENDENT_CATALOGS,
    DERIVED_COLUMNS,
    OWNER_CATALOG,
    OWNER_COLUMN,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

__all__ = ["CatalogTable", "Layout", "Reference", "make_layout"]

_SKIPPED = frozenset(
    {
        *("pg_statistic", "pg_statistic_ext_data", "pg_largeobject", "pg_largeobject_metadata"),
        *("pg_init_privs", "pg_depend", "pg_shdepend", "pg_description", "pg_seclabel"),
        *("pg_shdescription", "pg_shseclabel", "pg_db_role_setting", "pg_subscription_rel"),
        # shared by the databases of a server
        *("pg_authid", "pg_auth_members", "pg_database", "pg_tablespace", "pg_parameter_acl"),
        "pg_replication_origin",
    }
)
"""Tables that are volatile, shared by all databases, or read by a query of their own."""
_DROPPED = {
    "pg_attribute": {
        "atttypid",
        "atttypmod",
        "attstorage",
        "attnum",
        "attmissingval",
        "atthasmissing",
        "attisdropped",
        "attcacheoff",
    },
    "pg_class": {
        *("relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen", "relnatts"),
        *("reltoastrelid", "relhasindex", "relhasrules", "relhastriggers", "relhassubclass"),
        *("relrewrite", "relchecks", "reltype"),
    },
    "pg_collation": {"collversion"},
    "pg_enum": {"enumsortorder"},
    "pg_extension": {"extowner"},
    "pg_index": {"indcheckxmin"},
    "pg_constraint": {"connamespace"},  # the schema of its table
    "pg_proc": {"prosrc"},  # a part of the definition
    "pg_trigger": {"tgparentid"},
    "pg_subscription": {"subdbid", "subskiplsn"},
}
"""Columns that do not define the schema: sticky flags, files, counts, repeated facts."""
_VOLATILE_TYPES = frozenset({"xid", "xid8", "pg_lsn", "anyarray", "pg_node_tree"})
_OWN_SUBSCRIPTION = "subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
_ALSO = {"pg_namespace": "nspname = 'public'", "pg_extension": "true"}
"""Objects that are compared although the server created them."""
_ONLY = {
    "pg_attribute": "c.attnum > 0 AND NOT c.attisdropped",
    "pg_class": "c.relpersistence <> 't'",
    "pg_namespace": "c.nspname !~ '^pg_(toast|temp)'",
    "pg_subscription": _OWN_SUBSCRIPTION,
}
_KEY = secrets.token_hex(16)
"""Random in each process, so that the digest of a secret is of no use outside it."""
_SECRET = {("pg_user_mapping", "umoptions"), ("pg_subscription", "subconninfo")}
_ACL_KINDS = {
    "relacl": ("CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"", "relowner"),
    "proacl": ("'f'", "proowner"),
    "typacl": ("'T'", "typowner"),
    "nspacl": ("'n'", "nspowner"),
    "lanacl": ("'l'", "lanowner"),
    "fdwacl": ("'F'", "fdwowner"),
    "srvacl": ("'S'", "srvowner"),
}
_IDENTIFIED = frozenset(
    {
        *("pg_am", "pg_amop", "pg_amproc", "pg_attrdef", "pg_cast", "pg_class", "pg_collation"),
        *("pg_constraint", "pg_conversion", "pg_default_acl", "pg_event_trigger", "pg_extension"),
        *("pg_foreign_data_wrapper", "pg_foreign_server", "pg_language", "pg_namespace"),
        *("pg_opclass", "pg_operator", "pg_opfamily", "pg_policy", "pg_proc", "pg_publication"),
        *("pg_publication_namespace", "pg_publication_rel", "pg_rewrite", "pg_statistic_ext"),
        *("pg_subscription", "pg_transform", "pg_trigger", "pg_ts_config", "pg_ts_dict"),
        *("pg_ts_parser", "pg_ts_template", "pg_type", "pg_user_mapping", "pg_authid"),
    }
)
_EMPTY_WITHOUT = {"pg_user_mapping": "pg_foreign_server"}
"""Tables that have no row unless another table has one."""
_OWN_OID = -3
"""The place of a row's oid, relative to the first fact."""
_VECTORS = frozenset({"oid", "oidvector", "oid[]"})
_FIRST_USER_OID = 16384
"""FirstNormalObjectId of PostgreSQL's access/transam.h."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A fact that refers to another object: its place among the facts, and the object's table.

    If ``relation`` is given, the fact holds column numbers of the relation whose oid is the fact
    at that place.
    """

    place: int
    table: str
    many: bool = False
    relation: int | None = None


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """How one table of the catalog is read.

    A row has its oid (or the oid of the object that it describes), the type and the identity
    that pg_identify_object returns for its object, if any, and its facts.
    """

    name: str
    columns: tuple[str, ...]
    query: str
    references: tuple[Reference, ...]
    identified: bool
    unreadable: tuple[str, ...] = ()
    owner_place: int | None = None
    """The place of the oid of a row's owner, of which it is a part; -3 for the row's own oid."""
    owner_catalog: str = "pg_class"
    """The catalog of the owner."""
    only_part: bool = False
    """Whether a row is left out if its owner is left out."""

    def place(self, column: str) -> int:
        """Return the place of a column among the facts of a row."""
        return self.columns.index(column)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the whole catalog of a server is read, with a cache of names."""

    version: int
    tables: tuple[CatalogTable, ...]
    unreadable: tuple[str, ...] = ()
    """Tables that the role may not read at all."""
    names: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict, repr=False)
    """The type and name of the server's own objects, by table and oid."""

    def unread(self, filled: Collection[str]) -> Iterator[str]:
        """Yield the tables and columns with rows that the role may not read.

        ``filled`` names the tables that were read and have rows.
        """
        for table in self.tables:
            if table.name in filled:
                yield from (f"{table.name}.{column}" for column in table.unreadable)
        for name in self.unreadable:
            if name not in _EMPTY_WITHOUT or _EMPTY_WITHOUT[name] in filled:
                yield name


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    readable: bool


def make_layout(
    version: int,
    columns: Iterable[tuple[str, str, str, bool]],
    keys: Iterable[tuple[str, tuple[str, ...], str, tuple[str, ...], bool]] | None,
) -> Layout:
    """Return how to read a catalog with these columns and foreign keys.

    A column is given as its table, its name, its type and whether the role may read it.
    pg_get_catalog_foreign_keys exists since PostgreSQL 14; for an older server ``keys`` is None,
    and the recorded keys of a newer one are used.
    """
    tables: dict[str, list[_Column]] = {}
    for table, name, kind, readable in columns:
        if table not in _SKIPPED:
            tables.setdefault(table, []).append(_Column(name, kind, readable))
    foreign_keys = list(keys) if keys is not None else _recorded_keys()
    readable_tables = {name: found for name, found in tables.items() if found[0].readable}
    return Layout(
        version,
        tuple(
            _table(version, name, found, foreign_keys) for name, found in readable_tables.items()
        ),
        tuple(name for name in tables if name not in readable_tables),
    )


def _recorded_keys() -> list[tuple[str, tuple[str, ...], str, tuple[str, ...], bool]]:
    data = pkgutil.get_data("pgbraid.postgres", "statements/foreign_keys.json") or b"[]"
    return [(a, tuple(b), c, tuple(d), e) for a, b, c, d, e in json.loads(data)]


def _table(version: int, name: str, columns: list[_Column], keys: list[Any]) -> CatalogTable:
    own_oid = columns[0].name == "oid"
    identified = own_oid and name in _IDENTIFIED
    plain = {
        fk[0]: (pk, many)
        for table, fk, pk, pks, many in keys
        if table == name and len(fk) == 1 and pks == ("oid",)
    }
    numbers = {fk[-1]: fk[0] for table, fk, _, _, many in keys if table == name and len(fk) > 1}
    facts: list[tuple[str, str]] = []
    unreadable = []
    for column in columns[1 if own_oid else 0 :]:
        if not column.readable:
            unreadable.append(column.name)
        elif text := _expression(name, column, plain, numbers):
            facts.append((column.name, text))
    extras = DERIVED_COLUMNS.get(name, ())
    facts += [(fact, text) for fact, text, since in extras if version >= since]
    names = tuple(fact for fact, _ in facts)
    return CatalogTable(
        name,
        names,
        _query(name, columns, facts, identified=identified, keys=plain),
        tuple(_references(names, plain, numbers)),
        identified,
        tuple(unreadable),
        *_owner(name, names),
    )


def _owner(table: str, facts: tuple[str, ...]) -> tuple[int | None, str, bool]:
    """Return the owner's place and catalog, and whether rows are left out with their owner."""
    if table not in OWNER_COLUMN:
        return None, "pg_class", False
    column = OWNER_COLUMN[table]
    place = facts.index(column) if column in facts else _OWN_OID
    return place, OWNER_CATALOG.get(table, "pg_class"), table in DEPENDENT_CATALOGS


def _expression(
    table: str, column: _Column, plain: Mapping[str, Any], numbers: Mapping[str, str]
) -> str | None:
    """Return the expression that reads a column as text, or None to leave the column out."""
    name, kind = column.name, column.type
    # An oid without a declared foreign key cannot be replaced by a name, and oids differ between
    # databases.
    undeclared = kind in _VECTORS and name not in plain and name not in numbers
    if undeclared or kind in _VOLATILE_TYPES or name in _DROPPED.get(table, ()):
        return None
    if (table, name) in _SECRET:
        return f"encode(sha256(convert_to('{_KEY}' || {_sorted(name, kind)}, 'UTF8')), 'hex')"
    if kind == "aclitem[]":
        return _acl(name)
    if name in plain:
        return f"c.{name}::oid::text" if not kind.endswith(("[]", "vector")) else f"c.{name}::text"
    if kind == "text[]":
        return _sorted(name, kind) if name.endswith(("options", "config")) else f"c.{name}::text"
    return f"c.{name}::text"


def _sorted(name: str, kind: str) -> str:
    if kind != "text[]":
        return f"c.{name}::text"
    return (
        f"CASE WHEN c.{name} IS NOT NULL THEN ARRAY(SELECT o FROM unnest(c.{name}) AS o"
        " WHERE o !~ '^pg_attver=' ORDER BY o COLLATE \"C\")::text END"
    )


def _acl(name: str) -> str:
    """Return the expression for an acl: with default privileges filled in, and sorted."""
    if name not in _ACL_KINDS:
        acl = f"c.{name}"
        return (
            f"CASE WHEN {acl} IS NULL THEN '{{}}' ELSE ARRAY(SELECT a::text FROM unnest({acl}) AS a"
            ' ORDER BY a::text COLLATE "C")::text END'
        )
    kind, owner = _ACL_KINDS[name]
    return (
        f"ARRAY(SELECT a::text FROM unnest(coalesce(c.{name}, acldefault({kind}, c.{owner}))) AS a"
        ' ORDER BY a::text COLLATE "C")::text'
    )


def _query(
    name: str,
    columns: list[_Column],
    facts: list[tuple[str, str]],
    *,
    identified: bool,
    keys: Mapping[str, Any],
) -> str:
    column_names = {column.name for column in columns}
    key = columns[0].name
    listed = [f"c.{key}::oid::text" if _is_oid(columns[0]) else "NULL"]
    listed += ["i.type", "i.identity"] if identified else ["NULL", "NULL"]
    if name == "pg_attribute":
        listed[1] = "c.attnum::text"
    if name == "pg_enum":
        listed[1] = "c.enumsortorder::text"
    listed += [text for _, text in facts]
    source = f"pg_catalog.{name} c"
    if identified:
        source += f", LATERAL pg_identify_object('pg_catalog.{name}'::regclass, c.oid, 0) i"
    of_user = f"c.{key}::oid >= {_FIRST_USER_OID}::oid" if _is_oid(columns[0]) else "true"
    if name in _ALSO:
        of_user = f"({of_user} OR {_ALSO[name]})"
    conditions = [of_user, *([_ONLY[name]] if name in _ONLY else [])]
    # The schemas of toast tables and of temporary tables are not a part of the user's schema.
    conditions += [
        f"c.{column} <> ALL (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast|temp)')"
        for column, (table, many) in keys.items()
        if table == "pg_namespace" and not many and column in column_names
    ]
    return (
        f"SELECT json_agg(json_build_array({', '.join(listed)})) FROM {source}"
        f" WHERE {' AND '.join(conditions)}"
    )


def _is_oid(column: _Column) -> bool:
    return column.type in {"oid", "regproc"}


def _references(
    names: tuple[str, ...], plain: Mapping[str, Any], numbers: Mapping[str, str]
) -> Iterable[Reference]:
    for place, name in enumerate(names):
        if name in plain:
            table, many = plain[name]
            yield Reference(place, table, many)
        elif name in numbers and numbers[name] in names:
            yield Reference(place, "pg_attribute", many=True, relation=names.index(numbers[name]))
