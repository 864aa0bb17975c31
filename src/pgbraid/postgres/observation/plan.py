"""Reads from the plan of a data statement which tables it reads as a whole through an index.

The counters of the server show that an index was read, not how much of it. A join, a GROUP BY or a
condition without the index's first column reads all of it, and then an index serves the statement
as little as none.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pgbraid.postgres.client.connection import error_of
from pgbraid.postgres.client.session import send_sql
from pgbraid.postgres.statement_texts import statement_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pgbraid.model.observed import Relation
    from pgbraid.postgres.client.session import Session

__all__ = ["PLANNED", "WholeReads", "whole_reads"]

PLANNED = frozenset({"UPDATE", "DELETE", "MERGE", "INSERT", "WITH", "SELECT", "TABLE"})
"""First words of the statements whose plan shows what they read."""
_JOINS = frozenset({"Nested Loop", "Merge Join", "Hash Join"})
_CONDITIONS = ("Index Cond", "Merge Cond", "Hash Cond")
_SAVEPOINT = "pgbraid_plan"
_TWO_SIDES = 2


@dataclass(frozen=True, slots=True)
class WholeReads:
    """The tables that a statement reads as a whole, by oid.

    ``driven`` has those that a join finds by a unique key, and the tables on its other side: no
    more rows are found than those have.
    """

    whole: frozenset[int] = frozenset()
    in_part: frozenset[int] = frozenset()
    """The tables of a SELECT of which it reads only the first rows, as with LIMIT."""
    driven: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def whole_reads(
    session: Session,
    text: str,
    relations: Mapping[int, Relation | None],
    *,
    reads_only: bool,
) -> WholeReads:
    """Plan a statement in the open transaction and return what it reads as a whole.

    ``reads_only`` is true for a SELECT: what its plan reads in part was not read by triggers.
    A statement that cannot be planned any more, after it ran, reads nothing.
    """
    new = statement_text("observation", "new_tables").replace(
        ":highest", str(max(relations, default=0))
    )
    explain = (
        f"SAVEPOINT {_SAVEPOINT}; EXPLAIN (VERBOSE, FORMAT JSON) {text}\n; "
        f"{new}; RELEASE {_SAVEPOINT}"
    )
    results = session.send(explain.encode())
    if error_of(results) is not None:
        send_sql(session, f"ROLLBACK TO {_SAVEPOINT}")
        return WholeReads()
    plan = _Plan(relations, json.loads(results[2].get_value(0, 0) or b"[]"))
    for entry in json.loads(results[1].get_value(0, 0) or b"[]"):
        if isinstance(entry, dict) and "Plan" in entry:
            plan.whole |= plan.read(entry["Plan"])
    driven = {oid: tables for oid, tables in plan.driven.items() if oid not in plan.whole}
    whole = (plan.whole & relations.keys()) | driven.keys()
    in_part = plan.scanned - plan.whole if reads_only else ()
    return WholeReads(frozenset(whole), frozenset(in_part), driven)


class _Plan:
    """Walks through one plan."""

    def __init__(
        self, relations: Mapping[int, Relation | None], new: Iterable[tuple[str, str, int]]
    ) -> None:
        self._relations = {(r.schema, r.name): r for r in relations.values() if r is not None}
        self._new = {
            (spelled, name): oid
            for schema, name, oid in new
            # From PostgreSQL 15 on, a plan spells the schema of temporary tables so.
            for spelled in ({schema, "pg_temp"} if schema.startswith("pg_temp_") else {schema})
        }
        """The tables of this migration; a statement may have filled them from older ones."""
        self.whole: set[int] = set()
        self.driven: dict[int, tuple[int, ...]] = {}
        self.scanned: set[int] = set()

    def read(self, node: Mapping[str, Any], *, in_part: bool = False) -> set[int]:
        """Return the tables that a node reads as a whole.

        ``in_part`` is true if only its first rows are fetched.
        """
        children = node.get("Plans", ())
        in_part = node["Node Type"] == "Limit" or (in_part and not _needs_all(node))
        if node["Node Type"] in _JOINS:
            sides = [child for child in children if child["Parent Relationship"] != "SubPlan"]
            if len(sides) == _TWO_SIDES:
                return self._joined(node, *sides, in_part=in_part)
        reads = set[int]().union(
            *(self.read(child, in_part=in_part or _is_exists(child)) for child in children)
        )
        relation = self._scanned(node)
        made = self._new.get((node.get("Schema", ""), node.get("Relation Name", "")))
        oid = relation.oid if relation else made
        if oid is None or not node["Node Type"].endswith("Scan"):
            return reads
        self.scanned.add(oid)
        if relation:
            scans = (node, *children)
            whole = not any(_serves(relation, scan, node["Alias"]) for scan in scans)
        else:
            whole = "Index Cond" not in node
        return reads | ({oid} if whole and not in_part else set())

    def _joined(
        self,
        node: Mapping[str, Any],
        first: Mapping[str, Any],
        second: Mapping[str, Any],
        *,
        in_part: bool,
    ) -> set[int]:
        reads = [self.read(side, in_part=in_part) for side in (first, second)]
        for at, side in ((0, first), (1, second)):
            other = reads[1 - at]
            for scan, condition in self._found_by_key(node, side):
                relation = self._scanned(scan)
                if relation is None:
                    continue
                reads[at].discard(relation.oid)
                if not other:
                    continue
                made = other <= set(self._new.values())
                if made or _unique(relation, _columns(scan["Alias"], condition)):
                    self.driven[relation.oid] = tuple(sorted(other))
                else:
                    reads[at].add(relation.oid)
        return reads[0] | reads[1]

    def _found_by_key(
        self, join: Mapping[str, Any], side: Mapping[str, Any]
    ) -> Iterable[tuple[Mapping[str, Any], str]]:
        """Yield the index scans of a side whose rows the other side chooses."""
        while "Alias" not in side and len(side.get("Plans", ())) == 1:
            side = side["Plans"][0]
        if "Alias" not in side or side["Node Type"] == "Seq Scan":
            return
        own = f"{side['Alias']}."
        looked_up = side.get("Index Cond") or side.get("Recheck Cond")
        condition = looked_up or next((join[c] for c in _CONDITIONS if c in join), "")
        others = set(re.findall(r"(\w+|\"(?:[^\"]|\"\")+\")\.", condition)) - {own[:-1]}
        if condition and others:
            yield side, condition

    def _scanned(self, node: Mapping[str, Any]) -> Relation | None:
        if not node["Node Type"].endswith("Scan") or "Relation Name" not in node:
            return None
        return self._relations.get((node.get("Schema", ""), node["Relation Name"]))


def _needs_all(node: Mapping[str, Any]) -> bool:
    """Whether a node returns its first row only after it has read all rows below it."""
    if node["Node Type"] in {"Aggregate", "Group"}:
        return node.get("Strategy") != "Sorted" or "Filter" in node  # HAVING
    return node["Node Type"] in {"Sort", "Hash", "SetOp"}


def _is_exists(node: Mapping[str, Any]) -> bool:
    """Whether a node is a subquery of EXISTS: it ends at the first row, and returns no column."""
    return node.get("Parent Relationship") == "InitPlan" and not node.get("Output")


def _columns(alias: str, condition: str) -> set[str]:
    """Return the columns of a table in a condition, as the server spells both."""
    name = re.escape(alias)
    found = re.findall(rf"(?<![\w\"])\"?{name}\"?\.(\w+|\"(?:[^\"]|\"\")+\")", condition)
    return {column.strip('"') for column in found}


def _serves(relation: Relation, scan: Mapping[str, Any], alias: str) -> bool:
    """Whether the condition of a scan leaves out a part of its index.

    One without the first column of a btree index reads all of it.
    """
    if scan["Node Type"] in {"BitmapAnd", "BitmapOr", "Tid Scan", "Tid Range Scan"}:
        return True
    condition, name = scan.get("Index Cond"), scan.get("Index Name")
    if condition is None:
        return False
    index = next((i for i in relation.indexes.values() if i.name == name), None)
    first = relation.columns.get(index.columns[0]) if index and index.method == "btree" else None
    return first is None or first.name in _columns(alias, condition)


def _unique(relation: Relation, columns: set[str]) -> bool:
    """Whether these columns find at most one row."""
    numbers = {number for number, column in relation.columns.items() if column.name in columns}
    return any(
        index.unique and not index.partial and set(index.columns[: index.key_columns]) <= numbers
        for index in relation.indexes.values()
    )
