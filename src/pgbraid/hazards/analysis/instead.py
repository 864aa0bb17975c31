"""SQL that does the same as a statement without blocking, with the names filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.texts import quoted
from pgbraid.hazards.analysis.work import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import Step
    from pgbraid.hazards.analysis.work import Work
    from pgbraid.model.observed import Constraint, Relation

__all__ = ["NEXT", "ONLINE", "instead_of"]

NEXT = "-- in the next migration"
ONLINE = "-- pgbraid: no-transaction"


def instead_of(step: Step, work: Work) -> str | None:
    """Return SQL that does the work of a statement without a long lock, or None.

    Several migrations are separated by a comment.
    """
    was, now = step.statement.changed.get(work.table, (None, None))
    if was is None or now is None:
        return None
    lines = {
        Cause.INDEX_BUILD: _indexes,
        Cause.CONSTRAINT_INDEX: _unique_constraints,
        Cause.INDEX_REBUILD: _reindex,
        Cause.CONSTRAINT_SCAN: _checks,
        Cause.FOREIGN_KEY: _foreign_keys,
        Cause.REWRITE: _columns_with_default,
        Cause.MATVIEW_REFRESH: _refresh,
    }.get(work.cause)
    return "\n".join(lines(was, now, work)) or None if lines else None


def _table(relation: Relation) -> str:
    return quoted(relation.schema, relation.name)


def _indexes(_: Relation, now: Relation, work: Work) -> Iterator[str]:
    if now.kind == "p":
        return
    yield ONLINE
    for index in now.indexes.values():
        if index.name in work.objects:
            yield f"{_concurrently(index.definition)};"


def _concurrently(definition: str) -> str:
    return definition.replace("INDEX ", "INDEX CONCURRENTLY ", 1)


def _unique_constraints(was: Relation, now: Relation, work: Work) -> Iterator[str]:
    new = [c for c in _new(was, now) if c.kind in "pu" and c.index in now.indexes]
    if not new or len(new) < len(work.objects):
        return  # an exclusion constraint cannot use an existing index
    yield ONLINE
    for constraint in new:
        yield f"{_concurrently(now.indexes[constraint.index].definition)};"
    yield NEXT
    for constraint in new:
        name, kind = quoted(constraint.name), "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
        yield f"ALTER TABLE {_table(now)} ADD CONSTRAINT {name} {kind} USING INDEX {name};"


def _new(was: Relation, now: Relation) -> list[Constraint]:
    return [c for number, c in now.constraints.items() if number not in was.constraints]


def _reindex(_: Relation, now: Relation, work: Work) -> Iterator[str]:
    yield ONLINE
    for name in work.objects:
        yield f"REINDEX INDEX CONCURRENTLY {quoted(now.schema, name)};"


def _checks(was: Relation, now: Relation, work: Work) -> Iterator[str]:
    table = _table(now)
    checks = [c for c in _new(was, now) if c.kind == "c" and c.name in work.objects]
    columns = [
        column.name
        for number, column in now.columns.items()
        if column.not_null and number in was.columns and not was.columns[number].not_null
    ]
    for check in checks:
        name = quoted(check.name)
        yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {check.definition} NOT VALID;"
    temporary = {column: quoted(f"{column}_not_null") for column in columns}
    for column, name in temporary.items():
        is_set = f"CHECK ({quoted(column)} IS NOT NULL)"
        yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {is_set} NOT VALID;"
    yield NEXT
    for name in [*(quoted(check.name) for check in checks), *temporary.values()]:
        yield f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"
    for column, name in temporary.items():
        yield f"ALTER TABLE {table} ALTER COLUMN {quoted(column)} SET NOT NULL;"
        yield f"ALTER TABLE {table} DROP CONSTRAINT {name};"


def _foreign_keys(was: Relation, now: Relation, work: Work) -> Iterator[str]:
    new = [c for c in _new(was, now) if c.kind == "f" and c.name in work.objects]
    for key in new:
        name = quoted(key.name)
        yield f"ALTER TABLE {_table(now)} ADD CONSTRAINT {name} {key.definition} NOT VALID;"
    yield NEXT
    for key in new:
        yield f"ALTER TABLE {_table(now)} VALIDATE CONSTRAINT {quoted(key.name)};"


def _columns_with_default(was: Relation, now: Relation, _: Work) -> Iterator[str]:
    """Yield SQL for columns that were added with a volatile default; else nothing."""
    new = [column for number, column in now.columns.items() if number not in was.columns]
    same = all(now.columns.get(number) == column for number, column in was.columns.items())
    if not same or not new or any(c.identity or c.generated or not c.default for c in new):
        return
    for column in new:
        yield f"ALTER TABLE {_table(now)} ADD COLUMN {quoted(column.name)} {column.type};"
        yield (
            f"ALTER TABLE {_table(now)} ALTER COLUMN {quoted(column.name)} "
            f"SET DEFAULT {column.default};"
        )
    yield f"{NEXT}, in batches of a few thousand rows"
    for column in new:
        name = quoted(column.name)
        yield f"UPDATE {_table(now)} SET {name} = DEFAULT WHERE {name} IS NULL;"


def _refresh(was: Relation, _: Relation, __: Work) -> Iterator[str]:
    if any(index.unique and not index.partial for index in was.indexes.values()):
        yield f"REFRESH MATERIALIZED VIEW CONCURRENTLY {_table(was)};"
