"""Derives from the observation which work a statement does, and on which table.

Work takes longer on a larger table: a file that is written again, an index that is built, a
table that is read as a whole, rows that are written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.texts import (
    copied_names,
    first_words,
    has_word,
    is_code,
    names,
    written_names,
)
from pgbraid.model.hazards.sizes import WorkKind
from pgbraid.model.observed import LockMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pgbraid.model.observed import Index, Relation, StatementObservation

__all__ = ["Cause", "Work", "is_truncated", "table_of_index", "works_of"]


class Cause(StrEnum):
    """Why a statement works on a table; those of family A are ids of rules, too."""

    REWRITE = "rewrite"
    INDEX_BUILD = "index-build"
    CONSTRAINT_INDEX = "constraint-index-build"
    INDEX_REBUILD = "index-rebuild"
    CONSTRAINT_SCAN = "constraint-scan"
    FOREIGN_KEY = "foreign-key-scan"
    DOMAIN_SCAN = "domain-scan"
    PARTITION_SCAN = "partition-scan"
    MATVIEW_REFRESH = "matview-refresh"
    VALIDATE = "validate"
    WRITE = "large-write"
    """UPDATE, DELETE or MERGE."""
    FILL = "fill"
    """Rows of this table are inserted into another one."""
    READ = "read"


_KINDS = {
    Cause.REWRITE: WorkKind.REWRITE,
    Cause.INDEX_BUILD: WorkKind.INDEX_BUILD,
    Cause.CONSTRAINT_INDEX: WorkKind.INDEX_BUILD,
    Cause.INDEX_REBUILD: WorkKind.INDEX_REBUILD,
    Cause.FOREIGN_KEY: WorkKind.FOREIGN_KEY_CHECK,
    Cause.MATVIEW_REFRESH: WorkKind.MATVIEW_REFRESH,
    Cause.WRITE: WorkKind.WRITE,
    Cause.FILL: WorkKind.WRITE,
}
_OWN_LOCKS = {
    Cause.REWRITE: LockMode.ACCESS_EXCLUSIVE,
    Cause.INDEX_BUILD: LockMode.SHARE,
    Cause.CONSTRAINT_INDEX: LockMode.ACCESS_EXCLUSIVE,
    Cause.INDEX_REBUILD: LockMode.ACCESS_EXCLUSIVE,
    Cause.CONSTRAINT_SCAN: LockMode.ACCESS_EXCLUSIVE,
    Cause.FOREIGN_KEY: LockMode.SHARE_ROW_EXCLUSIVE,
    Cause.DOMAIN_SCAN: LockMode.SHARE,
    Cause.PARTITION_SCAN: LockMode.ACCESS_EXCLUSIVE,
    Cause.MATVIEW_REFRESH: LockMode.ACCESS_EXCLUSIVE,
    Cause.VALIDATE: LockMode.SHARE_UPDATE_EXCLUSIVE,
    Cause.WRITE: LockMode.ROW_EXCLUSIVE,
    Cause.FILL: LockMode.ACCESS_SHARE,
    Cause.READ: LockMode.ACCESS_SHARE,
}
"""The lock that the work itself takes on its table. REINDEX locks the index, and planning a query
opens each index of its tables, so readers wait, too."""
_CHECKED = frozenset({"c", "n"})
"""Kinds of constraint that a scan of the table verifies: CHECK, and NOT NULL since 18."""
_FAST_METHODS = frozenset({"btree", "hash", "brin"})
_WRITERS = frozenset({"update", "delete", "merge", "with", "do", "call", "select", "insert"})


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work on a table. ``objects`` are the indexes or constraints that cause it."""

    cause: Cause
    table: int
    objects: tuple[str, ...] = ()
    indexes: int = 0
    referenced: int = 0
    """The table that a checked foreign key references."""
    driven: tuple[int, ...] = ()
    """The tables of a join that finds the rows by a unique key: no more rows are written."""
    online: bool = False
    """Whether the command runs with CONCURRENTLY, so that it blocks no other session."""
    slow: bool = False
    """Whether an index has a method that is slow to build, such as GIN."""
    deletes: bool = False
    """Whether rows are only deleted: that writes no index."""

    @property
    def kind(self) -> WorkKind:
        """How its time depends on the size of the table."""
        if self.slow:
            return WorkKind.SLOW_INDEX_BUILD
        return WorkKind.DELETE if self.deletes else _KINDS.get(self.cause, WorkKind.SCAN)

    @property
    def own_lock(self) -> LockMode:
        """The lock that the work itself takes on its table."""
        return LockMode.SHARE_UPDATE_EXCLUSIVE if self.online else _OWN_LOCKS[self.cause]


def table_of_index(relations: Mapping[int, Relation], index: int) -> int | None:
    """Return the oid of the table of an index, or None."""
    return next((oid for oid, relation in relations.items() if index in relation.indexes), None)


def works_of(
    statement: StatementObservation, before: Mapping[int, Relation], writes: frozenset[int]
) -> tuple[Work, ...]:
    """Return the work of a statement on relations that are older than its migration.

    ``before`` are the relations before the statement, ``writes`` those that it is the first of its
    transaction to write.
    """
    works: list[Work] = []
    for oid, (was, now) in statement.changed.items():
        if now is not None:
            works += _of_files(statement, oid, was, now)
    covered = {work.table for work in works if work.cause in {Cause.REWRITE, Cause.MATVIEW_REFRESH}}
    covered |= {work.table for work in works if work.cause is Cause.INDEX_BUILD}
    built = {work.table for work in works}
    for oid in _scanned_tables(statement, before):
        if oid not in covered:
            works += (
                work
                for work in _of_scan(statement, oid, before, writes)
                # The build of an index reads the rows; that is no further work.
                if oid not in built or work.cause not in {Cause.READ, Cause.FILL}
            )
    return tuple(dict.fromkeys(works))


def is_truncated(statement: StatementObservation, was: Relation, now: Relation) -> bool:
    """Whether a statement emptied a table: its files changed, and nothing else of it.

    A function may do it, too: in a function no other command changes files alone, but CLUSTER.
    """
    word = first_words(statement.text, 1)
    if "truncate" not in written_names(statement.text) and (
        word not in {("do",), ("call",), ("select",)} or "cluster" in statement.text.lower()
    ):
        return False
    indexes = {
        number: replace(index, file=was.indexes[number].file) if number in was.indexes else index
        for number, index in now.indexes.items()
    }
    return (
        was.kind == "r"
        and now.file != was.file
        and was == replace(now, file=was.file, indexes=indexes)
    )


def _of_files(
    statement: StatementObservation, oid: int, was: Relation, now: Relation
) -> Iterator[Work]:
    """Yield the work that changed files of a relation, or gave it new ones."""
    truncated = is_truncated(statement, was, now)
    online = "CONCURRENTLY" in (statement.autocommit or "")
    if was.file and now.file != was.file and was.kind in {"r", "m"}:
        if not truncated:
            cause = Cause.MATVIEW_REFRESH if was.kind == "m" else Cause.REWRITE
            yield Work(cause, oid, (), len(now.indexes))
        return
    known_files = {index.file for index in was.indexes.values()}
    built = {
        number: index
        for number, index in now.indexes.items()
        if number not in was.indexes and index.file and index.file not in known_files
    }
    of_constraints = {c.index for number, c in now.constraints.items() if c.kind in "pux"}
    rebuilt = tuple(
        index.name
        for number, index in now.indexes.items()
        if number in was.indexes and index.file != was.indexes[number].file and index.file
    )
    renewed = first_words(statement.text, 1) == ("reindex",)
    if renewed:  # REINDEX CONCURRENTLY gives the index a new oid
        rebuilt = (*rebuilt, *(index.name for index in built.values()))
    else:
        for cause, numbers in (
            (Cause.CONSTRAINT_INDEX, built.keys() & of_constraints),
            (Cause.INDEX_BUILD, built.keys() - of_constraints),
        ):
            if numbers:
                labels = tuple(built[number].name for number in sorted(numbers))
                slow = _are_slow(built[number] for number in numbers)
                yield Work(cause, oid, labels, len(numbers), online=online, slow=slow)
    if rebuilt and not truncated:
        slow = _are_slow(index for index in now.indexes.values() if index.name in rebuilt)
        yield Work(Cause.INDEX_REBUILD, oid, rebuilt, len(rebuilt), online=online, slow=slow)


def _are_slow(indexes: Iterable[Index]) -> bool:
    return any(index.method not in _FAST_METHODS for index in indexes)


def _scanned_tables(
    statement: StatementObservation, before: Mapping[int, Relation]
) -> dict[int, bool]:
    """Return the tables that were read, and whether as a whole; an index may have been read."""
    tables: dict[int, bool] = {}
    for oid in statement.scans:
        if oid in before:
            tables[oid] = True
        elif (table := table_of_index(before, oid)) is not None:
            tables.setdefault(table, False)
    return tables


def _of_scan(
    statement: StatementObservation,
    oid: int,
    before: Mapping[int, Relation],
    writes: frozenset[int],
) -> Iterator[Work]:
    """Yield the reason for which a table was read."""
    whole = oid in statement.scans
    was, now = statement.changed.get(oid, (before[oid], before[oid]))
    words = first_words(statement.text, 1)
    if words == ("truncate",):
        return  # what is read is empty
    checks, keys, validated = _verified(was, now) if now else ((), (), ())
    if keys:
        referenced = now.constraints[keys[0]].referenced if now else 0
        labels = tuple(now.constraints[key].name for key in keys) if now else ()
        yield Work(Cause.FOREIGN_KEY, oid, labels, referenced=referenced)
    if validated:
        yield Work(Cause.VALIDATE, oid, validated)
    if not whole:
        return
    if checks:
        yield Work(Cause.CONSTRAINT_SCAN, oid, checks)
    elif has_word(statement.text, "alter", "domain"):
        yield Work(Cause.DOMAIN_SCAN, oid)
    elif _takes_rows(statement.text, was, now, before):
        yield Work(Cause.PARTITION_SCAN, oid)
    elif (oid in writes and before[oid].kind != "m") or (words and words[0] in _WRITERS):
        yield _of_rows(statement, oid, before, writes)
    elif not (keys or validated or _fails_at_once(was, now)):
        yield Work(Cause.FILL if statement.created else Cause.READ, oid)


def _takes_rows(
    text: str, was: Relation, now: Relation | None, before: Mapping[int, Relation]
) -> bool:
    """Whether a table became a partition, or is a default partition while another one is made.

    In both cases each row is checked against the bounds.
    """
    attaches = has_word(text, "attach", "partition")
    if now is None or not (attaches or has_word(text, "partition", "of")):
        return False
    if now.parent and (not was.parent or (attaches and was.name in names(text))):
        return True
    relation: Relation | None = was
    while relation is not None and relation.bound != "DEFAULT":
        relation = before.get(relation.parent)
    return relation is not None


def _fails_at_once(was: Relation, now: Relation | None) -> bool:
    """Whether a scan ends at the first row: a new column is NOT NULL and every row has NULL."""
    return now is not None and any(
        column.not_null and not (column.default or column.identity or column.generated)
        for number, column in now.columns.items()
        if number not in was.columns
    )


def _verified(
    was: Relation, now: Relation
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Return the subjects of a scan: new checks, the oids of new foreign keys, old constraints."""
    checks = [
        column.name
        for number, column in now.columns.items()
        if column.not_null and number in was.columns and not was.columns[number].not_null
    ]
    keys, validated = [], []
    for number, constraint in now.constraints.items():
        earlier = was.constraints.get(number)
        if earlier is None and constraint.validated:
            if constraint.kind in _CHECKED and constraint.name not in checks:
                checks += [constraint.name] if constraint.kind == "c" else []
            elif constraint.kind == "f":
                keys.append(number)
        elif earlier is not None and constraint.validated and not earlier.validated:
            validated.append(constraint.name)
    return tuple(checks), tuple(keys), tuple(validated)


def _is_referenced(oid: int, relations: Mapping[int, Relation]) -> bool:
    """Whether a foreign key references a table: then each deleted row is looked up there."""
    keys = (key for relation in relations.values() for key in relation.constraints.values())
    return any(key.referenced == oid for key in keys)


def _of_rows(
    statement: StatementObservation,
    oid: int,
    before: Mapping[int, Relation],
    writes: frozenset[int],
) -> Work:
    """Return the work of a statement that reads a table as a whole: it writes it, or reads it."""
    relation = before[oid]
    words = written_names(statement.text)
    changing = words.get("update", set()) | words.get("delete", set()) | words.get("merge", set())
    named = {relation.name}
    parent = relation.parent
    while parent in before:
        named.add(before[parent].name)
        parent = before[parent].parent
    # A function, a trigger and a table that inherits write without a name in the statement.
    unnamed = oid in writes and not named & words.get("insert", set())
    writing = any(lock.relation == oid and lock.writing for lock in statement.locks)
    updated = words.get("update", set()) | words.get("merge", set())
    if writing and (named & changing or unnamed):
        deletes = bool(named & words.get("delete", set())) and not named & updated
        deletes = deletes and not _is_referenced(oid, before)
        driven = statement.driven.get(oid, ())
        return Work(Cause.WRITE, oid, indexes=len(relation.indexes), deletes=deletes, driven=driven)
    inserts = bool(words.get("insert")) or bool(statement.created)
    if is_code(statement.text):  # it may read one table and insert other rows
        inserts = bool(named & copied_names(statement.text))
    return Work(Cause.FILL if inserts else Cause.READ, oid)
