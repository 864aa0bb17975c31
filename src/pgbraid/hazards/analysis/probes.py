"""Queries that find a row of production on which a statement fails. They only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.texts import quoted
from pgbraid.hazards.analysis.types import type_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext
    from pgbraid.model.observed import Constraint, Relation, StatementObservation

__all__ = ["GUARANTEES", "guarantees", "is_known", "probe_of_type"]

GUARANTEES = {"p": "PRIMARY KEY", "u": "UNIQUE", "c": "CHECK", "f": "FOREIGN KEY", "x": "EXCLUDE"}
"""The kinds of constraint (pg_constraint.contype) that every row must meet."""


def guarantees(
    context: FileContext, statement: StatementObservation, change: tuple[Relation, Relation]
) -> Iterator[tuple[str, str | None]]:
    """Yield each guarantee that is new on a table, with a query that finds a row without it."""
    was, now = change
    table = quoted(was.schema, was.name)
    for number, column in now.columns.items():
        before = was.columns.get(number)
        # A valid CHECK proves NOT NULL: then the table is not read.
        read = now.oid in statement.scans or now.file != was.file or not was.file
        if before is not None and column.not_null and not before.not_null and read:
            yield (
                f"NOT NULL of column {column.name}",
                f"SELECT 1 FROM {table} WHERE {quoted(column.name)} IS NULL LIMIT 1",
            )
    for number, constraint in now.constraints.items():
        old = number in was.constraints and was.constraints[number].validated
        if old or not constraint.validated or constraint.kind not in GUARANTEES:
            continue
        if constraint.kind in "pu" and constraint.index in was.indexes:
            continue  # USING INDEX: the index is unique already
        if is_known(constraint, was, now):
            continue
        yield (
            f"{GUARANTEES[constraint.kind]} {constraint.name}",
            _probe_of(context, table, constraint, was),
        )
    constraints = {constraint.index for constraint in now.constraints.values()}
    for number, index in now.indexes.items():
        if number not in was.indexes and index.unique and number not in constraints:
            probe = None if index.partial else _duplicates(table, index.columns, was)
            yield f"the unique index {index.name}", probe


def is_known(constraint: Constraint, was: Relation, now: Relation) -> bool:
    """Whether a table had a constraint, which is made again, or its partition bound demanded it."""
    detached = was.parent and not now.parent and constraint.kind == "c"
    return bool(detached) or any(
        (old.kind, old.definition) == (constraint.kind, constraint.definition) and old.validated
        for old in was.constraints.values()
    )


def _probe_of(
    context: FileContext, table: str, constraint: Constraint, was: Relation
) -> str | None:
    if any(number not in was.columns for number in constraint.columns):
        return None  # a new column: no old row has a value in it
    if constraint.kind in {"p", "u"}:
        return _duplicates(table, constraint.columns, was)
    if constraint.kind == "c":
        condition = constraint.definition.removeprefix("CHECK ").removesuffix(" NO INHERIT")
        return f"SELECT 1 FROM {table} WHERE NOT {condition} LIMIT 1"
    other = context.file.before.relations.get(constraint.referenced)
    match = constraint.definition.partition(" REFERENCES ")[2]
    referenced = match[match.find("(") + 1 : match.find(")")].split(", ")
    if constraint.kind != "f" or other is None or len(referenced) != len(constraint.columns):
        return None
    columns = [quoted(was.columns[number].name) for number in constraint.columns]
    pairs = [f"p.{there} = c.{here}" for here, there in zip(columns, referenced, strict=True)]
    present = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
    return (
        f"SELECT 1 FROM {table} c WHERE {present} AND NOT EXISTS (SELECT 1 FROM "
        f"{quoted(other.schema, other.name)} p WHERE {' AND '.join(pairs)}) LIMIT 1"
    )


def _duplicates(table: str, columns: tuple[int, ...], was: Relation) -> str | None:
    if not columns or any(number not in was.columns for number in columns):
        return None
    listed = ", ".join(quoted(was.columns[number].name) for number in columns)
    present = " AND ".join(f"{quoted(was.columns[n].name)} IS NOT NULL" for n in columns)
    return (
        f"SELECT 1 FROM {table} WHERE {present} GROUP BY {listed} HAVING "
        "pg_catalog.count(*) > 1 LIMIT 1"
    )


def probe_of_type(table: str, column: str, new: str) -> str | None:
    """Return a query that finds a row whose value does not fit; None for a type without a size."""
    base, size, array = type_parts(new)
    if array:
        return None
    if base in {"character varying", "character"} and size:
        condition = f"pg_catalog.length({column}::text) > {size[0]}"
    elif base in {"smallint", "integer"}:
        limit = 32_767 if base == "smallint" else 2_147_483_647
        condition = f"{column} NOT BETWEEN {-limit - 1} AND {limit}"
    elif base == "numeric" and size:
        digits = size[0] - (*size, 0)[1]
        condition = f"pg_catalog.abs({column}) >= 1e{digits}"
    else:
        return None
    return f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"
