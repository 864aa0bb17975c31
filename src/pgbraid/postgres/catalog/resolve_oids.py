"""Replaces the oids in a catalog's rows by names, and builds a snapshot of the rows."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from pgbraid.model.snapshot import COLUMN_ORDER, ENUM_ORDER, CatalogRows, Snapshot
from pgbraid.postgres.catalog.spelling import listed, oids_of, quoted, referred, sorted_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pgbraid.postgres.catalog.layout import CatalogTable, Layout

__all__ = ["CatalogAnswers", "make_snapshot"]

Row: TypeAlias = list[Any]
_HEAD = 3
"""The number of values before the facts of a row: oid, kind (or number), identity."""
_NO_OBJECT = "-"
"""The name for the oid 0."""
_CACHED_BELOW = 16384
"""Lower oids are the server's own objects, the same in all of its databases."""
_OF_FAMILIES = frozenset({"pg_amop", "pg_amproc"})
"""Tables whose rows are left out with an extension's operator family."""
_BODY = re.compile(r"\n(?=AS |BEGIN ATOMIC|RETURN )")
"""The line break before the body in the definition of a function."""
_SETS = frozenset({"polroles"})
"""Lists of oids whose order has no meaning."""
_SORTED_NUMBERS = frozenset({"stxkeys", "prattrs"})
"""Lists of column numbers whose order has no meaning: the server sorts them."""
_INDEXES = frozenset({"index", "partitioned index"})
_UNORDERED = _INDEXES | {"sequence"}
_NAMED_TOO = frozenset({"pg_authid", "pg_opfamily", "pg_ts_config"})


@dataclass(frozen=True, slots=True)
class CatalogAnswers:
    """The rows read from one database.

    ``excluded`` lists the objects to leave out: table, oid, and whether the object belongs to the
    ledger. ``annotations`` has facts about objects of any kind, by the name of their query.
    """

    excluded: list[Row]
    rows: Mapping[CatalogTable, list[Row]]
    annotations: Mapping[str, list[Row]]


def make_snapshot(
    layout: Layout, answers: CatalogAnswers, identify: Callable[[str], list[Row]], server: str
) -> Snapshot:
    """Return the snapshot of a database.

    ``identify`` is called at most once, with JSON, to name objects of the server and extensions.
    """
    return _Resolver(layout, answers).snapshot(identify, server)


class _Resolver:
    def __init__(self, layout: Layout, answers: CatalogAnswers) -> None:
        self.layout, self.annotations = layout, answers.annotations
        self.excluded = {(table, oid) for table, oid, _ in answers.excluded}
        self.ours = {(table, oid) for table, oid, ours in answers.excluded if ours}
        self.rows = {
            table: [row for row in rows if (table.name, row[0]) not in self.excluded]
            for table, rows in answers.rows.items()
        }
        self.names: dict[str, dict[str, str]] = {}
        self.kinds: dict[str, dict[str, str]] = {}
        self.own: dict[str, frozenset[str]] = {}
        self.columns: dict[tuple[str, str], str] = {}
        self.parts: dict[str, CatalogRows] = {}
        self.parents: dict[str, str] = {}

    def snapshot(self, identify: Callable[[str], list[Row]], server: str) -> Snapshot:
        self._name_own()
        self._name_clones()
        self._remove_settings()
        self._sort_options()
        self._name_others(identify)
        self._order_columns()
        for table, rows in self.rows.items():
            if table.name == "pg_enum":
                self._order_enums(table, rows)
            self._resolve(table, rows)
        self._enter_annotations()
        filled = {table.name for table, rows in self.rows.items() if rows}
        return Snapshot(
            MappingProxyType(self.parts),
            MappingProxyType(self.parents),
            tuple(f"{name}: this role may not read it" for name in self.layout.unread(filled)),
            server,
        )

    def _name_own(self) -> None:
        for table, rows in self.rows.items():
            if table.identified:
                self.names[table.name] = {row[0]: row[2] for row in rows}
                self.kinds[table.name] = {row[0]: row[1] for row in rows}
                self.own[table.name] = frozenset(self.names[table.name])
            elif table.name == "pg_attribute":
                place = _HEAD + table.place("attname")
                self.columns = {(row[0], row[1]): row[place] for row in rows}

    def _name_clones(self) -> None:
        """Name the copies of a foreign key after the referenced partitions.

        The server numbers the copies in the order in which the partitions were created.
        """
        table = next((t for t in self.rows if t.name == "pg_constraint"), None)
        if table is None or "conparentid" not in table.columns:
            return
        names = ("conparentid", "conrelid", "confrelid", "conname")
        parent, relation, referred, name = (_HEAD + table.place(column) for column in names)
        rows = {row[0]: row for row in self.rows[table]}
        labels, classes = self.names["pg_constraint"], self.names["pg_class"]
        for oid in sorted(rows, key=int):  # a copy of a copy needs the name of the first
            row = rows[oid]
            original = rows.get(row[parent])
            if original is not None and original[relation] == row[relation]:
                row[2] = labels[oid] = f"{labels[original[0]]} for {classes.get(row[referred])}"
                row[name] = None

    def _name_others(self, identify: Callable[[str], list[Row]]) -> None:
        """Name the objects of the server and of extensions that rows refer to."""
        referenced: dict[str, set[str]] = {"pg_authid": set()}
        for table, rows in self.rows.items():
            for reference in table.references:
                if reference.relation is None:
                    referenced.setdefault(reference.table, set()).update(
                        referred(rows, _HEAD + reference.place, many=reference.many)
                    )
        for name, place in (
            ("comments", 0),
            ("labels", 0),
            ("dependencies", 0),
            ("dependencies", 2),
        ):
            for row in self.annotations[name]:
                referenced.setdefault(row[place], set()).add(row[place + 1])
        referenced["pg_authid"].update(row[0] for row in self.annotations["settings_of_database"])
        unnamed = [
            {"class": table, "id": oid}
            for table, oids in referenced.items()
            for oid in self._unnamed(table, oids)
            if table in _NAMED_TOO or table in self.kinds
        ]
        for table, oid, kind, name in identify(json.dumps(unnamed)) if unnamed else ():
            label = name if name is not None else f"({oid})"
            self.names[table][oid] = label
            self.kinds.setdefault(table, {})[oid] = kind or table
            if int(oid) < _CACHED_BELOW and name is not None:
                self.layout.names.setdefault(table, {})[oid] = (kind, label)

    def _unnamed(self, table: str, oids: Iterable[str]) -> list[str]:
        """Enter the names that the layout has cached, and return the oids without a name."""
        names, kinds = self.names.setdefault(table, {}), self.kinds.get(table)
        cached = self.layout.names.get(table, {})
        names["0"] = _NO_OBJECT
        unnamed = []
        for oid in oids:
            if oid in names:
                continue
            if oid not in cached:
                unnamed.append(oid)
                continue
            kind, names[oid] = cached[oid]
            if kinds is not None:
                kinds[oid] = kind
        return unnamed

    def _resolve(self, table: CatalogTable, rows: list[Row]) -> None:
        """Enter the rows of a table by the objects they describe, with names for oids."""
        resolved: dict[str, tuple[str | None, ...]] = {}
        one, many, numbers = self._references(table)
        sets = {_HEAD + table.place(name) for name in _SETS & set(table.columns)}
        owner_place = None if table.owner_place is None else _HEAD + table.owner_place
        for row in rows:
            owner = row[owner_place] if owner_place is not None else None
            if owner is not None and self._is_left_out(table, owner):
                continue
            for place, relation, name in numbers:
                row[place] = self._columns_of(row[relation], row[place], name)
            key, below = self._key(table, row, owner)
            for place, names in one:
                value = row[place]
                row[place] = names.get(value, value)
            for place, names in many:
                if row[place]:
                    listing = [names.get(oid, oid) for oid in oids_of(row[place])]
                    row[place] = ", ".join(sorted(listing) if place in sets else listing)
            facts = tuple(row[_HEAD:])
            key = key or f"{table.name} {facts}"
            while key in resolved:
                key += "'"
            resolved[key] = facts
            if below is not None and below != key:
                self.parents.setdefault(key, below)
        self.parts[table.name] = CatalogRows(table.columns, MappingProxyType(resolved))

    def _references(
        self, table: CatalogTable
    ) -> tuple[
        list[tuple[int, dict[str, str]]],
        list[tuple[int, dict[str, str]]],
        list[tuple[int, int, str]],
    ]:
        one: list[tuple[int, dict[str, str]]] = []
        many: list[tuple[int, dict[str, str]]] = []
        numbers: list[tuple[int, int, str]] = []
        for reference in table.references:
            place, names = _HEAD + reference.place, self.names.get(reference.table, {})
            if reference.relation is not None:
                column = table.columns[reference.place]
                numbers.append((place, _HEAD + reference.relation, column))
            else:
                (many if reference.many else one).append((place, names))
        return one, many, numbers

    def _is_left_out(self, table: CatalogTable, owner: str) -> bool:
        """Return whether a row is a part of the ledger, or of another object that is left out."""
        if (table.owner_catalog, owner) in (
            self.excluded if table.name in _OF_FAMILIES else self.ours
        ):
            return True
        if table.name == "pg_attribute" and self.kinds["pg_class"].get(owner) == "sequence":
            return True
        return table.only_part and owner not in self.own.get(table.owner_catalog, ())

    def _columns_of(self, relation: str, numbers: str | None, name: str) -> str | None:
        if numbers is None:
            return None
        names = [self.columns.get((relation, number), number) for number in oids_of(numbers)]
        return ", ".join(sorted(names) if name in _SORTED_NUMBERS else names)

    def _label(self, table: str, oid: str) -> str:
        kind = self.kinds.get(table, {}).get(oid, table)
        return f"{kind} {self.names.get(table, {}).get(oid, oid)}"

    def _key(
        self, table: CatalogTable, row: Row, owner: str | None
    ) -> tuple[str | None, str | None]:
        """Return the label of the object that a row describes, and the label of its owner."""
        name = table.name
        below = None
        if owner not in {None, "0"}:
            below = self._label(table.owner_catalog, str(owner))
        key = f"{row[1]} {row[2]}" if table.identified else None
        if name in {"pg_attribute", "pg_enum"}:
            key = self._named_part(table, row, below)
        elif name == "pg_trigger" and self._is_of_constraint(table, row):
            key = self._internal_trigger(table, row)
        elif name == "pg_class":
            below = None
        elif name == "pg_index":
            key = self._label("pg_class", row[0])
        elif name == "pg_inherits":
            key = f"parent {row[_HEAD + table.place('inhseqno')]} of {below}"
        elif name == "pg_ts_config_map":
            numbers = (row[_HEAD + table.place(c)] for c in ("maptokentype", "mapseqno"))
            key = f"mapping {' '.join(numbers)} of {below}"
        elif name == "pg_type":
            below = self._owner_of_type(table, row)
        elif key is None:
            return below, None
        return key, below

    def _remove_settings(self) -> None:
        """Remove SET clauses from function definitions: proconfig has the settings, sorted."""
        table = next((t for t in self.rows if t.name == "pg_proc"), None)
        if table is None:
            return
        settings, definition = (_HEAD + table.place(c) for c in ("proconfig", "definition"))
        for row in self.rows[table]:
            if row[settings]:
                body = _BODY.search(row[definition])
                at = body.start() if body else len(row[definition])
                lines = row[definition][:at].split("\n")
                head = "\n".join(line for line in lines if not line.startswith(" SET "))
                row[definition] = head + row[definition][at:]

    def _sort_options(self) -> None:
        """Sort the options of text search dictionaries, as their order has no meaning."""
        for table in (table for table in self.rows if table.name == "pg_ts_dict"):
            place = _HEAD + table.place("dictinitoption")
            for row in self.rows[table]:
                row[place] = sorted_options(row[place])

    def _named_part(self, table: CatalogTable, row: Row, below: str | None) -> str:
        """Name a column, or a value of an enum."""
        if table.name == "pg_enum":
            return f"value {row[_HEAD + table.place('enumlabel')]!r} of {below}"
        place = _HEAD + table.place("attname")
        if self.kinds["pg_class"].get(row[0]) in _INDEXES:
            row[place] = None  # an index column keeps the first name of the table's column
            return f"column {row[1]} of {below}"
        return f"column {self.names['pg_class'].get(row[0])}.{quoted(row[place])}"

    def _owner_of_type(self, table: CatalogTable, row: Row) -> str | None:
        """Return the relation of a row type, or the element type of an array type."""
        relation = row[_HEAD + table.place("typrelid")]
        if relation not in {"0", None}:
            return self._label("pg_class", relation)
        element = row[_HEAD + table.place("typelem")]
        if element in self.own.get("pg_type", ()) and row[2].endswith("[]"):
            return self._label("pg_type", element)
        return None

    @staticmethod
    def _is_of_constraint(table: CatalogTable, row: Row) -> bool:
        """Return whether the server created a trigger for a constraint."""
        # Before PostgreSQL 15 a partition's copy of a user's trigger is internal, too.
        internal = row[_HEAD + table.place("tgisinternal")] == "true"
        return internal and bool(row[_HEAD + table.place("tgconstraint")] != "0")

    def _internal_trigger(self, table: CatalogTable, row: Row) -> str:
        """Name a constraint's trigger after the constraint, as its tgname contains an oid."""
        names = ("tgname", "tgconstraint", "tgrelid", "tgfoid")
        name, constraint, relation, function = (_HEAD + table.place(column) for column in names)
        row[name] = None
        label = self._label("pg_constraint", row[constraint])
        where = self.names["pg_class"].get(row[relation])
        return f"trigger of {label} on {where}: {self.names['pg_proc'].get(row[function])}"

    def _order_columns(self) -> None:
        orders: dict[str, list[tuple[int, str]]] = {}
        kinds = self.kinds["pg_class"]
        for (relation, number), name in self.columns.items():
            if relation in self.own["pg_class"] and kinds[relation] not in _UNORDERED:
                orders.setdefault(relation, []).append((int(number), name))
        self.parts[COLUMN_ORDER] = CatalogRows(
            ("columns",),
            {self._label("pg_class", oid): listed(found) for oid, found in orders.items()},
        )

    def _order_enums(self, table: CatalogTable, rows: list[Row]) -> None:
        orders: dict[str, list[tuple[float, str]]] = {}
        kind, label = (_HEAD + table.place(name) for name in ("enumtypid", "enumlabel"))
        for row in rows:
            if row[kind] in self.own.get("pg_type", ()):
                orders.setdefault(row[kind], []).append((float(row[1]), row[label]))
        self.parts[ENUM_ORDER] = CatalogRows(
            ("values",),
            {self._label("pg_type", oid): listed(found) for oid, found in orders.items()},
        )

    def _enter_annotations(self) -> None:
        """Enter privileges, comments and other facts about objects of any kind."""
        read = self.annotations
        roles = self.names["pg_authid"]
        self._enter("privileges", ((f"{kind} {name}", v) for kind, name, v in read["privileges"]))
        owners = ((f"{kind} {name}", owner) for kind, name, owner in read["member_owners"])
        self._enter("owners of members", owners)
        comments = ((f"comments in {table}", v) for table, v in read["comments_of_the_server"])
        self._enter("comments of the server", comments)
        self._enter(
            "settings",
            (
                ("database" if role == "0" else f"role {roles.get(role)} in the database", value)
                for role, value in read["settings_of_database"]
            ),
        )
        self._enter("comments", self._described("comments", lambda _: "comment"))
        labels = self._described("labels", lambda row: f"security label for {row[3]}")
        self._enter("labels", labels)
        self._enter("dependencies", self._dependencies())

    def _described(self, name: str, kind: Callable[[Row], str]) -> Iterable[tuple[str, str | None]]:
        for row in self.annotations[name]:
            table, oid, number = row[:3]
            if (table, oid) in self.excluded or oid not in self.names.get(table, {}):
                continue
            owner = self._label(table, oid)
            if table == "pg_class" and number != "0":
                if (oid, number) not in self.columns:
                    continue
                column = quoted(self.columns[oid, number])
                owner = f"column {self.names['pg_class'][oid]}.{column}"
            label = f"{kind(row)} on {owner}"
            self.parents[label] = owner
            yield label, row[-1]

    def _dependencies(self) -> Iterable[tuple[str, str | None]]:
        for table, oid, of, to, number, kind in self.annotations["dependencies"]:
            if (table, oid) in self.excluded or (of, to) in self.ours:
                continue
            named = self.columns.get((to, number)) or number
            column = f".{quoted(named)}" if number != "0" else ""
            owner = self._label(table, oid)
            label = f"dependency of {owner} on {self._label(of, to)}{column}"
            self.parents[label] = owner
            yield label, kind

    def _enter(self, part: str, facts: Iterable[tuple[str, str | None]]) -> None:
        self.parts[part] = CatalogRows(("value",), {name: (value,) for name, value in facts})
