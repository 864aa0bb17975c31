"""Makes names of a catalog's oids, and a snapshot of its rows."""

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
"""How many values of a row stand before its facts: oid, kind (or number), identity."""
_NO_OBJECT = "-"
"""How the catalog's 0 is told."""
_CACHED_BELOW = 16384
"""Oids below this one are the server's own, the same in every database of it."""
_OF_FAMILIES = frozenset({"pg_amop", "pg_amproc"})
"""Tables whose rows go with an extension's operator family."""
_BODY = re.compile(r"\n(?=AS |BEGIN ATOMIC|RETURN )")
"""Where a function's body begins in its definition."""
_SETS = frozenset({"polroles"})
"""Lists of oids whose order says nothing."""
_SORTED_NUMBERS = frozenset({"stxkeys", "prattrs"})
"""Numbers of columns whose order is the table's, and says nothing."""
_INDEXES = frozenset({"index", "partitioned index"})
_UNORDERED = _INDEXES | {"sequence"}
_NAMED_TOO = frozenset({"pg_authid", "pg_opfamily", "pg_ts_config"})


@dataclass(frozen=True, slots=True)
class CatalogAnswers:
    """What was read of one database.

    ``excluded`` lists what is left out with the table it is in, and whether that is the tracker's;
    ``annotations`` is what hangs on objects of any kind, by name.
    """

    excluded: list[Row]
    rows: Mapping[CatalogTable, list[Row]]
    annotations: Mapping[str, list[Row]]


def make_snapshot(
    layout: Layout, found: CatalogAnswers, name_others: Callable[[str], list[Row]], server: str
) -> Snapshot:
    """Return the snapshot of what was found.

    ``name_others`` is asked once for the names of what is not the user's own; it is given JSON.
    """
    return _Resolver(layout, found).snapshot(name_others, server)


class _Resolver:
    def __init__(self, layout: Layout, found: CatalogAnswers) -> None:
        self.layout, self.about = layout, found.annotations
        self.apart = {(table, oid) for table, oid, _ in found.excluded}
        self.ours = {(table, oid) for table, oid, ours in found.excluded if ours}
        self.rows = {
            table: [row for row in rows if (table.name, row[0]) not in self.apart]
            for table, rows in found.rows.items()
        }
        self.names: dict[str, dict[str, str]] = {}
        self.kinds: dict[str, dict[str, str]] = {}
        self.own: dict[str, frozenset[str]] = {}
        self.columns: dict[tuple[str, str], str] = {}
        self.parts: dict[str, CatalogRows] = {}
        self.parents: dict[str, str] = {}

    def snapshot(self, name_others: Callable[[str], list[Row]], server: str) -> Snapshot:
        self._name_own()
        self._name_clones()
        self._part_settings()
        self._sort_options()
        self._name_others(name_others)
        self._order_columns()
        for table, rows in self.rows.items():
            if table.name == "pg_enum":
                self._order_enums(table, rows)
            self._resolve(table, rows)
        self._read_about()
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
        """Name a foreign key's copies, one for each partition referred to, by what they are for.

        The server numbers them in the order in which the partitions were made.
        """
        table = next((t for t in self.rows if t.name == "pg_constraint"), None)
        if table is None or "conparentid" not in table.columns:
            return
        names = ("conparentid", "conrelid", "confrelid", "conname")
        parent, relation, referred, name = (_HEAD + table.place(column) for column in names)
        rows = {row[0]: row for row in self.rows[table]}
        labels, classes = self.names["pg_constraint"], self.names["pg_class"]
        for oid in sorted(rows, key=int):  # parents come before their copies
            row = rows[oid]
            above = rows.get(row[parent])
            if above is not None and above[relation] == row[relation]:
                row[2] = labels[oid] = f"{labels[above[0]]} for {classes.get(row[referred])}"
                row[name] = None

    def _name_others(self, name_others: Callable[[str], list[Row]]) -> None:
        """Ask for the names of what is the server's or an extension's, each once."""
        wanted: dict[str, set[str]] = {"pg_authid": set()}
        for table, rows in self.rows.items():
            for reference in table.references:
                if reference.relation is None:
                    wanted.setdefault(reference.table, set()).update(
                        referred(rows, _HEAD + reference.place, many=reference.many)
                    )
        for name, place in (
            ("comments", 0),
            ("labels", 0),
            ("dependencies", 0),
            ("dependencies", 2),
        ):
            for row in self.about[name]:
                wanted.setdefault(row[place], set()).add(row[place + 1])
        wanted["pg_authid"].update(row[0] for row in self.about["settings_of_database"])
        asked = [
            {"class": table, "id": oid}
            for table, oids in wanted.items()
            for oid in self._unknown(table, oids)
            if table in _NAMED_TOO or table in self.kinds
        ]
        for table, oid, kind, name in name_others(json.dumps(asked)) if asked else ():
            known = name if name is not None else f"({oid})"
            self.names[table][oid] = known
            self.kinds.setdefault(table, {})[oid] = kind or table
            if int(oid) < _CACHED_BELOW and name is not None:
                self.layout.names.setdefault(table, {})[oid] = (kind, known)

    def _unknown(self, table: str, oids: Iterable[str]) -> list[str]:
        """Return the oids that nobody has named yet; names kept of before are entered."""
        names, kinds = self.names.setdefault(table, {}), self.kinds.get(table)
        kept = self.layout.names.get(table, {})
        names["0"] = _NO_OBJECT
        unknown = []
        for oid in oids:
            if oid in names:
                continue
            if oid not in kept:
                unknown.append(oid)
                continue
            kind, names[oid] = kept[oid]
            if kinds is not None:
                kinds[oid] = kind
        return unknown

    def _resolve(self, table: CatalogTable, rows: list[Row]) -> None:
        """Enter a table's rows, by what they are about, with names in the place of oids."""
        resolved: dict[str, tuple[str | None, ...]] = {}
        one, many, numbers = self._references(table)
        sets = {_HEAD + table.place(name) for name in _SETS & set(table.columns)}
        whole = None if table.owner_place is None else _HEAD + table.owner_place
        for row in rows:
            owner = row[whole] if whole is not None else None
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
                    found = [names.get(oid, oid) for oid in oids_of(row[place])]
                    row[place] = ", ".join(sorted(found) if place in sets else found)
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
        """Whether a row is a part of the tracker, or goes with what is left out."""
        if (table.owner_catalog, owner) in (
            self.apart if table.name in _OF_FAMILIES else self.ours
        ):
            return True
        if table.name == "pg_attribute" and self.kinds["pg_class"].get(owner) == "sequence":
            return True
        return table.only_part and owner not in self.own.get(table.owner_catalog, ())

    def _columns_of(self, relation: str, numbers: str | None, name: str) -> str | None:
        if numbers is None:
            return None
        found = [self.columns.get((relation, number), number) for number in oids_of(numbers)]
        return ", ".join(sorted(found) if name in _SORTED_NUMBERS else found)

    def _label(self, table: str, oid: str) -> str:
        kind = self.kinds.get(table, {}).get(oid, table)
        return f"{kind} {self.names.get(table, {}).get(oid, oid)}"

    def _key(
        self, table: CatalogTable, row: Row, owner: str | None
    ) -> tuple[str | None, str | None]:
        """Return what a row is about, and what that is a part of."""
        name = table.name
        below = None
        if owner not in {None, "0"}:
            below = self._label(table.owner_catalog, str(owner))
        key = f"{row[1]} {row[2]}" if table.identified else None
        if name in {"pg_attribute", "pg_enum"}:
            key = self._named_part(table, row, below)
        elif name == "pg_trigger" and self._is_constraints(table, row):
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
            below = self._whole_of_type(table, row)
        elif key is None:
            return below, None
        return key, below

    def _part_settings(self) -> None:
        """Take settings out of functions' definitions, where they stand as history had it."""
        table = next((t for t in self.rows if t.name == "pg_proc"), None)
        if table is None:
            return
        settings, definition = (_HEAD + table.place(c) for c in ("proconfig", "definition"))
        for row in self.rows[table]:
            if row[settings]:
                begins = _BODY.search(row[definition])
                at = begins.start() if begins else len(row[definition])
                lines = row[definition][:at].split("\n")
                kept = "\n".join(line for line in lines if not line.startswith(" SET "))
                row[definition] = kept + row[definition][at:]

    def _sort_options(self) -> None:
        """Sort the options of text search dictionaries, whose order says nothing."""
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
            row[place] = None  # made from the table's column's first name
            return f"column {row[1]} of {below}"
        return f"column {self.names['pg_class'].get(row[0])}.{quoted(row[place])}"

    def _whole_of_type(self, table: CatalogTable, row: Row) -> str | None:
        """Return the relation that a row type is of, or the type that an array is of."""
        relation = row[_HEAD + table.place("typrelid")]
        if relation not in {"0", None}:
            return self._label("pg_class", relation)
        element = row[_HEAD + table.place("typelem")]
        if element in self.own.get("pg_type", ()) and row[2].endswith("[]"):
            return self._label("pg_type", element)
        return None

    @staticmethod
    def _is_constraints(table: CatalogTable, row: Row) -> bool:
        """Whether a trigger is the server's own, for a constraint; before 15 copies say so, too."""
        internal = row[_HEAD + table.place("tgisinternal")] == "true"
        return internal and bool(row[_HEAD + table.place("tgconstraint")] != "0")

    def _internal_trigger(self, table: CatalogTable, row: Row) -> str:
        """Name a constraint's trigger, whose own name is a number, by what it is for."""
        names = ("tgname", "tgconstraint", "tgrelid", "tgfoid")
        own, constraint, relation, function = (_HEAD + table.place(name) for name in names)
        row[own] = None
        label = self._label("pg_constraint", row[constraint])
        where = self.names["pg_class"].get(row[relation])
        return f"trigger of {label} on {where}: {self.names['pg_proc'].get(row[function])}"

    def _order_columns(self) -> None:
        orders: dict[str, list[tuple[int, str]]] = {}
        kinds, own = self.kinds["pg_class"], self.own["pg_class"]
        for (relation, number), name in self.columns.items():
            if relation in own and kinds[relation] not in _UNORDERED:
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

    def _read_about(self) -> None:
        """Enter what hangs on objects of any kind."""
        about = self.about
        roles = self.names["pg_authid"]
        self._enter("privileges", ((f"{kind} {name}", v) for kind, name, v in about["privileges"]))
        owners = ((f"{kind} {name}", owner) for kind, name, owner in about["member_owners"])
        self._enter("owners of members", owners)
        comments = ((f"comments in {table}", v) for table, v in about["comments_of_the_server"])
        self._enter("comments of the server", comments)
        self._enter(
            "settings",
            (
                ("database" if role == "0" else f"role {roles.get(role)} in the database", value)
                for role, value in about["settings_of_database"]
            ),
        )
        self._enter("comments", self._hanging("comments", lambda _: "comment"))
        labels = self._hanging("labels", lambda row: f"security label for {row[3]}")
        self._enter("labels", labels)
        self._enter("dependencies", self._dependencies())

    def _hanging(self, name: str, what: Callable[[Row], str]) -> Iterable[tuple[str, str | None]]:
        for row in self.about[name]:
            table, oid, number = row[:3]
            if (table, oid) in self.apart or oid not in self.names.get(table, {}):
                continue
            whose = self._label(table, oid)
            if table == "pg_class" and number != "0":
                if (oid, number) not in self.columns:
                    continue
                column = quoted(self.columns[oid, number])
                whose = f"column {self.names['pg_class'][oid]}.{column}"
            label = f"{what(row)} on {whose}"
            self.parents[label] = whose
            yield label, row[-1]

    def _dependencies(self) -> Iterable[tuple[str, str | None]]:
        for table, oid, of, to, number, kind in self.about["dependencies"]:
            if (table, oid) in self.apart or (of, to) in self.ours:
                continue
            named = self.columns.get((to, number)) or number
            column = f".{quoted(named)}" if number != "0" else ""
            whose = self._label(table, oid)
            label = f"dependency of {whose} on {self._label(of, to)}{column}"
            self.parents[label] = whose
            yield label, kind

    def _enter(self, part: str, found: Iterable[tuple[str, str | None]]) -> None:
        self.parts[part] = CatalogRows(("value",), {name: (value,) for name, value in found})
