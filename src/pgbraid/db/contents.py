"""Reads what tables hold, as digests: the rows that migrations wrote are part of the result."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pgbraid.core.snapshot import DATA, SEQUENCES, Part, Snapshot
from pgbraid.db.catalog import ask, catalog_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from pgbraid.core.model import Tracker
    from pgbraid.db.opening import Connection

__all__ = ["noisy_columns", "with_contents"]

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_CALLED = re.compile(r'([A-Za-z_][\w$]*)"?\s*\(')
_CLOCK = re.compile(
    r"\b(?:CURRENT_(?:TIMESTAMP|DATE|TIME|USER|ROLE|SCHEMA|CATALOG)|LOCALTIME(?:STAMP)?"
    r"|SESSION_USER|USER)\b"
)
_OIDS = frozenset({"oid", "xid", "cid", "tid", "xid8", "pg_lsn"})
"""Types whose values are another replay's other ones."""


_COLUMNS = 40
"""How many columns' digests go into one call: functions take 100 arguments."""


class _Table:
    __slots__ = ("columns", "left_out", "made_of", "name", "readable", "what")

    def __init__(self, name: str, what: str, *, readable: bool) -> None:
        self.name = name
        self.what = what
        self.readable = readable
        self.columns: list[str] = []
        self.left_out: set[str] = set()
        self.made_of: set[tuple[str, str]] = set()


def with_contents(
    conn: Connection,
    snapshot: Snapshot,
    tracker: Tracker,
    volatile: AbstractSet[tuple[str, str]] = frozenset(),
    *,
    by_column: bool = False,
) -> Snapshot:
    """Return a snapshot with digests of all rows, and with the values of the sequences.

    Columns whose default is volatile, identity columns, what refers to such a column, and those
    of ``volatile`` are left out, and named. With ``by_column`` each column has a digest of its
    own, too. Raises psycopg's error.
    """
    texts = [catalog_text(conn, name) for name in ("tables", "changeable", "sequences")]
    settings = catalog_text(conn, "settings")
    begin = ["BEGIN"] if conn.info.transaction_status == 0 else []
    try:
        found = ask(conn, [*begin, settings, *texts, catalog_text(conn, "large_objects")])[-4:]
        ours = {f"{tracker.schema}.{name}" for name in (tracker.table, tracker.journal)}
        tables = _tables(found[0], set(found[1]), volatile)
        wanted = [t for t in tables if t.name.replace('"', "") not in ours]
        rows = _digests(conn, [t for t in wanted if t.readable], by_column=by_column)
        sequences = _sequences(conn, [s for s in found[2] if not _is_journals(s, ours)])
    finally:
        if begin:
            conn.execute("ROLLBACK")
    rows |= _large_objects(found[3])
    parts = {
        **snapshot.parts,
        DATA: Part(("rows", "digest", "columns"), MappingProxyType(rows)),
        SEQUENCES: Part(("last_value", "is_called"), MappingProxyType(sequences)),
    }
    parents = {**snapshot.parents, **{key: key.removeprefix("rows of ") for key in rows}}
    return replace(
        snapshot,
        parts=MappingProxyType(parts),
        parents=MappingProxyType(parents),
        left_out=(*snapshot.left_out, *_left_out(wanted)),
    )


def _large_objects(found: list[Any]) -> dict[str, tuple[str | None, ...]]:
    """Return large objects by the digest of what they hold, as their numbers are the replay's."""
    rows: dict[str, tuple[str | None, ...]] = {}
    for digest, owner, acl, comment in sorted(found, key=str):
        key = f"large object {digest}"
        while key in rows:
            key += "'"
        rows[key] = (owner, f"{acl} {comment or ''}".rstrip(), None)
    return rows


def _left_out(tables: list[_Table]) -> Iterator[str]:
    for table in tables:
        if not table.readable:
            yield f"{table.name}: its rows, this role may not read them"
        elif table.left_out:
            yield f"{table.name}: {', '.join(sorted(table.left_out))}"


def _is_journals(sequence: str, ours: set[str]) -> bool:
    return any(sequence.startswith(f"{name}_") for name in ours)


def _tables(
    rows: list[Any], changeable: set[str], volatile: AbstractSet[tuple[str, str]]
) -> list[_Table]:
    found: dict[str, _Table] = {}
    links: list[tuple[str, str, str, str]] = []
    for oid, table, what, readable, column, *facts in rows:
        kind, identity, generated, default, references, made_of = facts
        one = found.setdefault(oid, _Table(table, what, readable=readable))
        one.columns.append(column)
        wavers = not generated and default is not None and _wavers(default, changeable)
        if identity or wavers or kind in _OIDS or (table, column) in volatile:
            one.left_out.add(column)
        links += [(oid, column, other, theirs) for other, theirs in references or ()]
        one.made_of |= {(other, theirs) for other, theirs in made_of or ()}
    while _spread(found, links):
        pass
    return sorted(found.values(), key=lambda table: table.name)


def _spread(tables: dict[str, _Table], links: list[tuple[str, str, str, str]]) -> bool:
    """Leave out what refers to, or is made of, what is left out; return whether there was any.

    A view's column is left out with the one of its name; where what is left out has another name in
    the view, or none, the whole view is.
    """
    before = sum(len(table.left_out) for table in tables.values())
    for oid, column, other, theirs in links:
        if other in tables and theirs in tables[other].left_out:
            tables[oid].left_out.add(column)
    for table in tables.values():
        lost = {c for oid, c in table.made_of if oid in tables and c in tables[oid].left_out}
        known = lost.issubset(table.columns)
        table.left_out |= lost if known else set(table.columns)
    return sum(len(table.left_out) for table in tables.values()) > before


def _wavers(default: str, changeable: set[str]) -> bool:
    """Whether a default gives another value each time."""
    text = _LITERAL.sub("''", default)
    called = {name.lower() for name in _CALLED.findall(text)}
    return bool(called & changeable) or bool(_CLOCK.search(text))


def _digests(
    conn: Connection, tables: list[_Table], *, by_column: bool
) -> dict[str, tuple[str | None, ...]]:
    if not tables:
        return {}
    texts = [_digest(table, by_column=by_column) for table in tables]
    answers = ask(conn, texts)
    return {
        f"rows of {table.what} {table.name}": tuple(answer)
        for table, answer in zip(tables, answers, strict=True)
        if answer[0] != "0"
    }


def _digest(table: _Table, *, by_column: bool) -> str:
    """Return the question of how many rows a table has, and of two sums of their hashes."""
    kept = sorted(column for column in table.columns if column not in table.left_out)
    names = [sql.Identifier(column) for column in kept]
    whole = sql.SQL("ROW({})::text").format(sql.SQL(", ").join(names)) if kept else sql.SQL("''")
    columns: sql.Composable = sql.SQL("NULL")
    if by_column and kept:
        pairs = [
            sql.SQL("{}, sum(hashtextextended({}::text, 0))::text").format(sql.Literal(c), name)
            for c, name in zip(kept, names, strict=True)
        ]
        chunks = [pairs[at : at + _COLUMNS] for at in range(0, len(pairs), _COLUMNS)]
        objects = [
            sql.SQL("json_build_object({})::jsonb").format(sql.SQL(", ").join(chunk))
            for chunk in chunks
        ]
        columns = sql.SQL("({})::text").format(sql.SQL(" || ").join(objects))
    question = sql.SQL(
        "SELECT json_build_array(count(*)::text, concat_ws('/', sum(hashtextextended({whole}, 0)),"
        " sum(hashtextextended({whole}, 1))), {columns}) FROM ONLY "
    )
    return question.format(whole=whole, columns=columns).as_string(None) + table.name


def _sequences(conn: Connection, names: list[str]) -> dict[str, tuple[str | None, ...]]:
    if not names:
        return {}
    ask_value = "SELECT json_build_array(last_value::text, is_called::text) FROM "
    texts = [ask_value + name for name in names]
    return {
        f"value of sequence {name}": tuple(answer)
        for name, answer in zip(names, ask(conn, texts), strict=True)
    }


def noisy_columns(left: Snapshot, right: Snapshot) -> frozenset[tuple[str, str]]:
    """Return the columns that hold other values after another replay of the same migrations.

    Both snapshots must have digests of each column.
    """
    found = set()
    ours, theirs = left.parts[DATA].rows, right.parts[DATA].rows
    for key in ours.keys() & theirs.keys():
        a, b = ours[key], theirs[key]
        if a != b and a[2] and b[2]:
            left_columns, right_columns = json.loads(a[2]), json.loads(b[2])
            table = key.removeprefix("rows of materialized view ").removeprefix("rows of table ")
            found |= {(table, c) for c in left_columns if left_columns[c] != right_columns.get(c)}
    return frozenset(found)
