"""Family A: statements that block other sessions for longer the larger a table is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pgbraid.hazards.analysis.context import blocks_of
from pgbraid.hazards.analysis.instead import instead_of
from pgbraid.hazards.analysis.weighing import weighed
from pgbraid.hazards.analysis.work import Cause, Work
from pgbraid.hazards.rules.rule import Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.hazards.analysis.context import FileContext, Step
    from pgbraid.model.findings import Finding

__all__ = ["WORK_RULES"]


class _Words(NamedTuple):
    """The texts of a rule about one kind of work."""

    title: str
    fires: str
    message: str
    instead: str
    versions: str = ""


_WORDS = {
    Cause.REWRITE: _Words(
        "A table is rewritten",
        "the file of an old table changed, and not by TRUNCATE",
        "every row of {table} is written to a new file",
        "A volatile default: add the column without it, SET DEFAULT, fill the rows in batches. "
        "Another type: a new column, a trigger that fills it, batches, then a swap of the names. "
        "Identity or serial: a sequence, a default, batches. SET LOGGED, SET TABLESPACE, SET "
        "ACCESS METHOD, CLUSTER, VACUUM FULL: a maintenance window, or pg_repack.",
        "18: `GENERATED … VIRTUAL` needs no rewrite",
    ),
    Cause.INDEX_BUILD: _Words(
        "An index is built in a transaction",
        "a new index on an old table, without CONCURRENTLY",
        "{objects} is built on {table}",
        "CREATE INDEX CONCURRENTLY in a file with the directive no-transaction. On a partitioned "
        "table: CREATE INDEX ON ONLY, CONCURRENTLY on each partition, then ATTACH PARTITION.",
        "CONCURRENTLY is not possible on a partitioned table",
    ),
    Cause.CONSTRAINT_INDEX: _Words(
        "A constraint builds its index",
        "the index of a new UNIQUE, PRIMARY KEY or EXCLUDE constraint on an old table",
        "the index of {objects} is built on {table}",
        "CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX. For EXCLUDE there is "
        "no such way.",
    ),
    Cause.INDEX_REBUILD: _Words(
        "An index is built again",
        "the file of an old index changed, that of its table did not",
        "{objects} on {table} is built again",
        "REINDEX … CONCURRENTLY in a file with the directive no-transaction.",
    ),
    Cause.CONSTRAINT_SCAN: _Words(
        "A new CHECK or NOT NULL reads the whole table",
        "an old table was read as a whole for a new CHECK or NOT NULL",
        "all rows of {table} are read to verify {objects}",
        "ADD CONSTRAINT … NOT VALID in one file, VALIDATE CONSTRAINT in the next. For NOT NULL: a "
        "CHECK (column IS NOT NULL) NOT VALID, VALIDATE, SET NOT NULL, DROP CONSTRAINT.",
        "18: `ADD CONSTRAINT name NOT NULL column NOT VALID`",
    ),
    Cause.FOREIGN_KEY: _Words(
        "A new foreign key reads the whole table",
        "an old table, or an index of it, was read for a new FOREIGN KEY that is valid at once",
        "all rows of {table} are compared with {referenced} to verify {objects}",
        "ADD CONSTRAINT … NOT VALID in one file, VALIDATE CONSTRAINT in the next; the index of the "
        "referencing columns first.",
        "NOT VALID on a partitioned table since 18",
    ),
    Cause.DOMAIN_SCAN: _Words(
        "A constraint of a domain reads whole tables",
        "ALTER DOMAIN read an old table as a whole",
        "all rows of {table} are read to verify a constraint of a domain",
        "ALTER DOMAIN … ADD CONSTRAINT … NOT VALID, then VALIDATE CONSTRAINT in the next file.",
    ),
    Cause.PARTITION_SCAN: _Words(
        "A new partition reads a whole table",
        "ATTACH PARTITION or PARTITION OF read the new or the default partition as a whole",
        "all rows of {table} are read to verify the bounds of a partition",
        "A CHECK constraint that implies the bounds, NOT VALID, then VALIDATE, then ATTACH; the "
        "CHECK is dropped afterwards.",
    ),
    Cause.MATVIEW_REFRESH: _Words(
        "A materialized view is filled again",
        "the file of an old materialized view changed",
        "{table} is filled again",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index.",
    ),
}


def _judge(cause: Cause, context: FileContext) -> Iterator[Finding]:
    """Yield a finding for each statement with this work, partitions of one table together."""
    for step in context.steps:
        groups: dict[int, list[tuple[Work, float | None]]] = {}
        for work, seconds in zip(step.works, step.seconds, strict=True):
            if work.cause is cause and blocks_of(work.own_lock) and context.is_old(work.table):
                groups.setdefault(context.root(work.table), []).append((work, seconds))
        for root, works in groups.items():
            yield _finding(cause, context, step, root, works)


def _finding(
    cause: Cause,
    context: FileContext,
    step: Step,
    root: int,
    works: list[tuple[Work, float | None]],
) -> Finding:
    times = [seconds for _, seconds in works]
    total = None if None in times else sum(seconds or 0.0 for seconds in times)
    objects = dict.fromkeys(name for work, _ in works for name in work.objects)
    first = works[0][0]
    target = root if len(works) > 1 else first.table
    message = _WORDS[cause].message.format(
        table=context.label(target),
        objects=", ".join(objects) or "an index",
        referenced=context.label(first.referenced) if first.referenced else "another table",
    )
    finding = found(cause.value, context, step, message)
    finding = weighed(context, finding, target, total, first.own_lock)
    instead = instead_of(step, first)
    return replace(finding, hint=_hint(cause, step, first, instead), instead=instead)


def _hint(cause: Cause, step: Step, work: Work, instead: str | None) -> str:
    """Return the part of the advice that fits the statement."""
    if cause is not Cause.REWRITE:
        return _WORDS[cause].instead
    was, now = step.statement.changed.get(work.table, (None, None))
    if instead is not None:
        return "Add the column without its default, set the default, then fill the rows in batches."
    if was is not None and now is not None:
        types = [c.type for c in was.columns.values()] != [
            now.columns[number].type for number in was.columns if number in now.columns
        ]
        new = [column for number, column in now.columns.items() if number not in was.columns]
        if any(column.generated for column in new):
            return "Fill a plain column by a trigger and in batches, or compute it in a view."
        if new:
            return "Create a sequence and set the default, then fill the rows in batches."
        if types:
            return (
                "Add a column of the new type, let a trigger fill it, fill the old rows in "
                "batches, then swap the names in one short migration."
            )
    return "Run it in a maintenance window, or use pg_repack, which locks the table only briefly."


WORK_RULES = tuple(
    Rule(
        cause.value,
        "A",
        words.title,
        words.fires,
        words.instead,
        partial(_judge, cause),
        versions=words.versions,
    )
    for cause, words in _WORDS.items()
)
"""The rules about work under the lock that the work itself takes."""
