"""Reads a database's whole schema as a value: every table of pg_catalog, oids made names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psycopg import ClientCursor, pq

from pgbraid.core.snapshot import COLUMN_ORDER, ENUM_ORDER, Part, Snapshot
from pgbraid.db.layout import Layout, make_layout
from pgbraid.db.statements import statement
from pgbraid.db.wire import failed, send

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pgbraid.core.model import Tracker
    from pgbraid.db.layout import Table
    from pgbraid.db.opening import Connection

__all__ = ["ask", "catalog_text", "read_layout", "read_snapshot"]

_KEYS_SINCE = 140000
_NONE = "-"
"""How the catalog's 0 for no object is told."""
_CACHED_BELOW = 16384
_PARENTS = {
    "pg_attrdef": "adrelid",
    "pg_constraint": "conrelid",
    "pg_index": "indrelid",
    "pg_policy": "polrelid",
    "pg_rewrite": "ev_class",
    "pg_trigger": "tgrelid",
    "pg_attribute": "attrelid",
    "pg_statistic_ext": "stxrelid",
    "pg_enum": "enumtypid",
    "pg_publication_rel": "prrelid",
    "pg_inherits": "inhrelid",
    "pg_partitioned_table": "partrelid",
    "pg_foreign_table": "ftrelid",
    "pg_sequence": "seqrelid",
    "pg_aggregate": "aggfnoid",
    "pg_range": "rngtypid",
    "pg_amop": "amopfamily",
    "pg_amproc": "amprocfamily",
    "pg_ts_config_map": "mapcfg",
}
"""What a row is a part of, by table and column; a part of what is left out is, too."""
_SORTED_NUMBERS = frozenset({"stxkeys", "prattrs"})
"""Numbers of columns whose order is the table's, and says nothing."""
_BY_NUMBER = frozenset({"conkey"})
_INDEXES = frozenset({"index", "partitioned index"})


def read_layout(conn: Connection) -> Layout:
    """Return how this server's catalog is read; it may be kept for its other databases.

    Raises psycopg's error.
    """
    version = conn.info.server_version
    columns = conn.execute(catalog_text(conn, "columns")).fetchall()
    keys = conn.execute(catalog_text(conn, "keys")).fetchall() if version >= _KEYS_SINCE else None
    return make_layout(
        version,
        [(a, b, c, d) for a, b, c, d in columns],
        keys and [(a, tuple(b), c, tuple(d), e) for a, b, c, d, e in keys],
    )


def read_snapshot(
    conn: Connection, layout: Layout, tracker: Tracker, *, also_ours: Sequence[str] = ()
) -> Snapshot:
    """Return everything the schema is, but for the tracker and the members of extensions.

    It reads in a transaction of its own, or in the one that is open; it writes nothing. What the
    role may not read is named in ``left_out``; ``also_ours`` names more tables to leave out, as
    ``schema.table``. Raises psycopg's error.
    """
    own = conn.info.transaction_status == pq.TransactionStatus.IDLE
    tables = [tracker.table, tracker.journal]
    ours = [*(f"{tracker.schema}.{table}" for table in tables), *also_ours]
    begin = [catalog_text(conn, "begin")] if own else []
    questions = [catalog_text(conn, name) for name in ("settings",)]
    facts = [
        catalog_text(conn, "apart", ours=ours),
        *(catalog_text(conn, name) for name in _ABOUT),
        *(table.query for table in layout.tables),
    ]
    try:
        answers = ask(conn, [*begin, *questions, *facts])[-len(facts) :]
        apart, about = answers[0], dict(zip(_ABOUT, answers[1 : 1 + len(_ABOUT)], strict=True))
        rows = dict(zip(layout.tables, answers[1 + len(_ABOUT) :], strict=True))
        return _Reader(conn, layout, apart, rows, about).snapshot()
    finally:
        if own and conn.info.transaction_status != pq.TransactionStatus.UNKNOWN:
            conn.execute("ROLLBACK")


_ABOUT = (
    "privileges",
    "comments",
    "comments_of_the_server",
    "labels",
    "settings_of_database",
    "dependencies",
)


def catalog_text(conn: Connection, name: str, **values: object) -> str:
    from pgbraid.core.model import Tracker as Any_  # noqa: PLC0415

    query = statement("catalog", name, Any_(), with_values=bool(values))
    return ClientCursor(conn).mogrify(query, values or None)


def ask(conn: Connection, questions: list[str]) -> list[Any]:
    """Send questions as one message and return the value that each answers, read as JSON."""
    results = send(conn, ";\n".join(questions).encode())
    error = failed(results)
    if error is not None:
        raise error
    found = []
    for result in results:
        value = result.get_value(0, 0) if result.ntuples else None
        found.append(json.loads(value) if value else [])
    return found


class _Reader:
    """What was read of one database, on its way to a snapshot."""

    def __init__(
        self,
        conn: Connection,
        layout: Layout,
        apart: list[Any],
        rows: dict[Table, list[Any]],
        about: dict[str, list[Any]],
    ) -> None:
        self.conn, self.layout, self.about = conn, layout, about
        self.apart = {(table, oid) for table, oid, _ in apart}
        self.ours = {(table, oid) for table, oid, ours in apart if ours}
        self.rows = {
            t: [r for r in found if (t.name, r[0]) not in self.apart] for t, found in rows.items()
        }
        self.names: dict[str, dict[str, str]] = {}
        self.kinds: dict[str, dict[str, str]] = {}
        self.own: dict[str, frozenset[str]] = {}
        self.columns: dict[tuple[str, str], str] = {}
        self.parts: dict[str, Part] = {}
        self.parents: dict[str, str] = {}

    def snapshot(self) -> Snapshot:
        self._name_own()
        self._name_others()
        for table, rows in self.rows.items():
            self._resolve(table, rows)
        self._read_about()
        left_out = tuple(
            f"{table.name}.{column}: this role may not read it"
            for table in self.layout.tables
            for column in table.unreadable
        )
        return Snapshot(
            MappingProxyType(self.parts),
            MappingProxyType(self.parents),
            left_out,
            _version(self.conn),
        )

    def _name_own(self) -> None:
        for table, rows in self.rows.items():
            if table.identified:
                self.names[table.name] = {row[0]: row[2] for row in rows}
                self.kinds[table.name] = {row[0]: row[1] for row in rows}
                self.own[table.name] = frozenset(self.names[table.name])
            elif table.name == "pg_attribute":
                place = 3 + table.place("attname")
                self.columns = {(row[0], row[1]): row[place] for row in rows}

    def _name_others(self) -> None:
        """Ask for the names of what is the server's or an extension's, each once."""
        wanted: dict[str, set[str]] = {}
        for table, rows in self.rows.items():
            for reference in table.references:
                place = 3 + reference.place
                if reference.relation is not None:
                    continue
                values = {row[place] for row in rows}
                if reference.many:
                    values = {oid for value in values if value for oid in _oids(value)}
                wanted.setdefault(reference.table, set()).update(v for v in values if v)
            if not table.identified and table.name in _PARENTS:
                column = _PARENTS[table.name]
                of = next(
                    (r.table for r in table.references if table.columns[r.place] == column), ""
                )
                if of:
                    wanted.setdefault(of, set()).update(row[0] for row in rows)
        for name, at in (("comments", 0), ("labels", 0), ("dependencies", 0), ("dependencies", 2)):
            for row in self.about[name]:
                wanted.setdefault(row[at], set()).add(row[at + 1])
        roles = {row[0] for row in self.about["settings_of_database"]}
        wanted.setdefault("pg_authid", set()).update(roles)
        self._ask_for(wanted)

    def _ask_for(self, wanted: dict[str, set[str]]) -> None:
        asked = []
        for table, oids in wanted.items():
            own, kept = self.names.setdefault(table, {}), self.layout.names.get(table, {})
            own["0"] = _NONE
            for oid in oids - own.keys():
                if (name := kept.get(oid)) is not None:
                    own[oid] = name
                else:
                    asked.append({"class": table, "id": oid})
        asked = [a for a in asked if a["class"] in _NAMED or a["class"] in self.kinds]
        if not asked:
            return
        text = catalog_text(self.conn, "names", wanted=json.dumps(asked))
        for table, oid, kind, name in ask(self.conn, [text])[0]:
            self.names[table][oid] = name if name is not None else f"({oid})"
            self.kinds.setdefault(table, {})[oid] = kind
            if int(oid) < _CACHED_BELOW and name is not None:
                self.layout.names.setdefault(table, {})[oid] = name

    def _resolve(self, table: Table, rows: list[Any]) -> None:
        resolved: dict[str, tuple[str | None, ...]] = {}
        refs = [
            (3 + r.place, self.names.get(r.table, {}), r.many, r.relation, table.columns[r.place])
            for r in table.references
        ]
        simple = [(place, names) for place, names, many, of, _ in refs if not many and of is None]
        lists = [(place, names) for place, names, many, of, _ in refs if many and of is None]
        numbers = [(place, 3 + of, name) for place, _, _, of, name in refs if of is not None]
        parent = _parent_place(table)
        for row in rows:
            owner = row[parent] if parent is not None else None
            if owner is not None and self._is_ours(table, owner):
                continue
            for place, of, name in numbers:
                row[place] = self._columns(row[of], row[place], name)
            key, below = self._key(table, row, owner)
            for place, names in simple:
                value = row[place]
                row[place] = names.get(value, value) if value is not None else None
            for place, names in lists:
                value = row[place]
                if value:
                    row[place] = ", ".join(names.get(oid, oid) for oid in _oids(value))
            if key is None:
                key = f"{table.name} {row[3:]}"
            while key in resolved:
                key += "'"
            resolved[key] = tuple(row[3:])
            if below is not None and below != key:
                self.parents.setdefault(key, below)
        if table.name == "pg_attribute":
            self._order_columns()
        if table.name == "pg_enum":
            self._order_enums(table, rows)
        self.parts[table.name] = Part(table.columns, MappingProxyType(resolved))

    def _is_ours(self, table: Table, owner: str) -> bool:
        """Whether a row is a part of what is left out altogether."""
        of = _OF.get(table.name, "pg_class")
        if (of, owner) in self.ours:
            return True
        return table.name in _ROWS and owner not in self.own.get(of, ())

    def _columns(self, relation: str, numbers: str | None, name: str) -> str | None:
        if numbers is None:
            return None
        found = [self.columns.get((relation, n), n) for n in _oids(numbers)]
        return ", ".join(sorted(found) if name in _SORTED_NUMBERS else found)

    def _label(self, table: str, oid: str) -> str:
        kind = self.kinds.get(table, {}).get(oid, table)
        return f"{kind} {self.names.get(table, {}).get(oid, oid)}"

    def _key(
        self, table: Table, row: list[Any], owner: str | None
    ) -> tuple[str | None, str | None]:
        """Return what a row is about, and what that is a part of."""
        name = table.name
        below = self._label(_OF.get(name, "pg_class"), owner) if owner not in {None, "0"} else None
        if name == "pg_attribute":
            kind = self.kinds["pg_class"].get(row[0], "")
            place = 3 + table.place("attname")
            if kind in _INDEXES:
                row[place] = None
                return f"column {row[1]} of {below}", below
            return f"column {self.names['pg_class'].get(row[0])}.{_quoted(row[place])}", below
        if name == "pg_enum":
            return f"value {row[3 + table.place('enumlabel')]!r} of {below}", below
        if name == "pg_trigger" and row[3 + table.place("tgisinternal")] == "true":
            return self._internal_trigger(table, row), below
        if name == "pg_class" and row[1] in _INDEXES:
            return f"{row[1]} {row[2]}", None
        if name == "pg_index":
            return self._label("pg_class", row[0]), below
        if name == "pg_inherits":
            number = row[3 + table.place("inhseqno")]
            return f"parent {number} of {below}", below
        if name == "pg_ts_config_map":
            numbers = [row[3 + table.place(c)] for c in ("maptokentype", "mapseqno")]
            return f"mapping {' '.join(numbers)} of {below}", below
        if name == "pg_type":
            return f"{row[1]} {row[2]}", self._of_type(table, row)
        if table.identified:
            return f"{row[1]} {row[2]}", below
        return below, None

    def _of_type(self, table: Table, row: list[Any]) -> str | None:
        relation = row[3 + table.place("typrelid")]
        if relation not in {"0", None}:
            return self._label("pg_class", relation)
        element = row[3 + table.place("typelem")]
        if element in self.kinds.get("pg_type", {}) and row[2].endswith("[]"):
            return self._label("pg_type", element)
        return None

    def _internal_trigger(self, table: Table, row: list[Any]) -> str:
        """Name a constraint's trigger, whose own name is a number, by what it is for."""
        places = {c: 3 + table.place(c) for c in ("tgname", "tgconstraint", "tgrelid", "tgfoid")}
        row[places["tgname"]] = None
        constraint = self._label("pg_constraint", row[places["tgconstraint"]])
        relation = self.names["pg_class"].get(row[places["tgrelid"]])
        function = self.names.get("pg_proc", {}).get(row[places["tgfoid"]])
        return f"trigger of {constraint} on {relation}: {function}"

    def _order_columns(self) -> None:
        orders: dict[str, list[tuple[int, str]]] = {}
        kinds, own = self.kinds["pg_class"], self.own["pg_class"]
        for (relation, number), name in self.columns.items():
            if relation in own and kinds[relation] not in _INDEXES:
                orders.setdefault(relation, []).append((int(number), name))
        self.parts[COLUMN_ORDER] = Part(
            ("columns",),
            {
                self._label("pg_class", oid): ("\n".join(name for _, name in sorted(found)),)
                for oid, found in orders.items()
            },
        )

    def _order_enums(self, table: Table, rows: list[Any]) -> None:
        orders: dict[str, list[tuple[float, str]]] = {}
        places = [3 + table.place(name) for name in ("enumtypid", "enumlabel")]
        for row in rows:
            orders.setdefault(row[places[0]], []).append((float(row[1]), row[places[1]]))
        self.parts[ENUM_ORDER] = Part(
            ("values",),
            {
                f"type {name}": ("\n".join(label for _, label in sorted(found)),)
                for name, found in orders.items()
            },
        )

    def _read_about(self) -> None:
        """Enter what hangs on objects of any kind."""
        about = self.about
        privileges = ((f"{kind} {name}", (acl,)) for kind, name, acl in about["privileges"])
        self._enter("privileges", privileges)
        self._enter(
            "comments of the server",
            ((f"comments in {table}", (d,)) for table, d in about["comments_of_the_server"]),
        )
        self._enter(
            "settings",
            (
                (
                    "database"
                    if role == "0"
                    else f"role {self.names['pg_authid'].get(role)} in the database",
                    (config,),
                )
                for role, config in about["settings_of_database"]
            ),
        )
        self._hang("comment", "comments", "comments", lambda row: "")
        self._hang("security label", "labels", "labels", lambda row: f" for {row[3]}")
        found = []
        for table, oid, of, to, number, kind in about["dependencies"]:
            if (table, oid) in self.apart or (of, to) in self.ours:
                continue
            column = f".{_quoted(self.columns.get((to, number), number))}" if number != "0" else ""
            whose = self._label(table, oid)
            label = f"dependency of {whose} on {self._label(of, to)}{column}"
            self.parents[label] = whose
            found.append((label, (kind,)))
        self._enter("dependencies", found)

    def _hang(self, what: str, name: str, part: str, more: Any) -> None:
        found = []
        for row in self.about[name]:
            table, oid, number = row[:3]
            if (table, oid) in self.apart or oid not in self.names.get(table, {}):
                continue
            whose = self._label(table, oid)
            if table == "pg_class" and number != "0":
                column = self.columns.get((oid, number))
                if column is None:
                    continue
                whose = f"column {self.names['pg_class'][oid]}.{_quoted(column)}"
            label = f"{what}{more(row)} on {whose}"
            self.parents[label] = whose
            found.append((label, (row[-1],)))
        self._enter(part, found)

    def _enter(self, part: str, found: Iterable[tuple[str, tuple[str | None, ...]]]) -> None:
        self.parts[part] = Part(("value",), dict(found))


_ROWS = frozenset(
    {
        *("pg_attribute", "pg_index", "pg_inherits", "pg_sequence", "pg_partitioned_table"),
        *("pg_foreign_table", "pg_aggregate", "pg_range", "pg_enum", "pg_ts_config_map"),
    }
)
"""Tables whose rows are parts of an object, and of none that is left out."""
_OF = {
    "pg_enum": "pg_type",
    "pg_range": "pg_type",
    "pg_aggregate": "pg_proc",
    "pg_ts_config_map": "pg_ts_config",
    "pg_amop": "pg_opfamily",
    "pg_amproc": "pg_opfamily",
}
_NAMED = frozenset({"pg_authid", "pg_opfamily", "pg_ts_config"})


def _parent_place(table: Table) -> int | None:
    column = _PARENTS.get(table.name)
    if column is None:
        return None
    return 3 + table.columns.index(column) if column in table.columns else 0


def _oids(value: str) -> list[str]:
    if value[:1] == "{":
        return value[1:-1].split(",") if len(value) > 2 else []
    return value.split()


def _quoted(name: str) -> str:
    """Quote a name as the server would, but for words that are reserved."""
    if (
        name.isascii()
        and name.replace("_", "a").isalnum()
        and name == name.lower()
        and not name[0].isdigit()
    ):
        return name
    return '"' + name.replace('"', '""') + '"'


def _version(conn: Connection) -> str:
    return (conn.info.parameter_status("server_version") or "").partition(" ")[0]
