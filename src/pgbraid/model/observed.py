"""The observations of a migration that ran on a scratch database: locks, files, scans, catalogs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.model.migration import Diagnostic, Migration

__all__ = [
    "INDEX_KINDS",
    "TABLE_KINDS",
    "Catalog",
    "Column",
    "Constraint",
    "FileObservation",
    "Function",
    "Index",
    "LockMode",
    "ObservedLock",
    "Relation",
    "StatementObservation",
    "Trigger",
]

TABLE_KINDS = frozenset({"r", "p", "m", "f"})
"""Kinds of relation (pg_class.relkind) that have rows: tables, materialized views."""
INDEX_KINDS = frozenset({"i", "I"})


class LockMode(IntEnum):
    """A lock on a relation, by strength; see "Table-Level Locks" in PostgreSQL's manual."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def words(self) -> str:
        """The mode as PostgreSQL's LOCK TABLE spells it."""
        return self.name.replace("_", " ")

    @property
    def blocks_reads(self) -> bool:
        """Whether a SELECT waits for this lock."""
        return self is LockMode.ACCESS_EXCLUSIVE

    @property
    def blocks_writes(self) -> bool:
        """Whether an INSERT, UPDATE or DELETE waits for this lock."""
        return self >= LockMode.SHARE


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation; ``default`` is its expression."""

    name: str
    type: str
    not_null: bool
    default: str | None
    generated: str
    """``s`` for a stored generated column, ``v`` for a virtual one, else empty."""
    identity: str


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table; ``kind`` is pg_constraint.contype."""

    name: str
    kind: str
    validated: bool
    index: int
    """The oid of its index; 0 without one."""
    referenced: int
    """The oid of the table that a foreign key references; 0 without one."""
    columns: tuple[int, ...]
    definition: str


@dataclass(frozen=True, slots=True)
class Index:
    """An index of a table. ``columns`` are the numbers of its columns; 0 is an expression."""

    name: str
    file: int
    valid: bool
    unique: bool
    primary: bool
    method: str
    columns: tuple[int, ...]
    key_columns: int
    partial: bool
    definition: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of a table; ``enabled`` is pg_trigger.tgenabled."""

    name: str
    enabled: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation with its parts, by their oids, and its columns by their numbers."""

    oid: int
    schema: str
    name: str
    kind: str
    file: int
    """The number of its file; 0 without one, as a view."""
    persistence: str
    tablespace: int
    owner: str
    privileges: tuple[str, ...] | None
    """The entries of its access list; None if only the owner has privileges by default."""
    options: tuple[str, ...]
    replica_identity: str
    row_security: bool
    parent: int
    """The oid of the partitioned table of a partition; else 0."""
    bound: str | None
    columns: Mapping[int, Column]
    constraints: Mapping[int, Constraint]
    indexes: Mapping[int, Index]
    triggers: Mapping[int, Trigger]
    policies: Mapping[int, tuple[str, tuple[str, ...]]]
    """Each policy: its name and its roles."""

    @property
    def label(self) -> str:
        """Schema and name without quotes, as in the sizes file."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Function:
    """A function or procedure. ``kind`` is pg_proc.prokind, ``returns`` the result's type."""

    schema: str
    name: str
    arguments: str
    kind: str
    returns: str
    definer: bool
    sets_path: bool
    owner: str
    executors: tuple[str, ...]
    """The roles that may run it; ``public`` stands for all of them."""

    @property
    def label(self) -> str:
        """Schema, name and arguments."""
        return f"{self.schema}.{self.name}({self.arguments})"


@dataclass(frozen=True, slots=True)
class Catalog:
    """The objects of a database that migrations made, by oid."""

    relations: Mapping[int, Relation]
    functions: Mapping[int, Function] = field(default_factory=dict)
    types: Mapping[int, tuple[str, str, str]] = field(default_factory=dict)
    """Schema, name and kind (pg_type.typtype) of each type that is no row type of a relation."""
    labels: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    """The type and the text of each label of an enum."""
    schemas: Mapping[int, str] = field(default_factory=dict)
    highest: int = 0
    """The highest oid of a relation: those that are created later have higher ones."""
    transaction: str = "0"
    """The next transaction id: every later change has this one or a higher one."""


@dataclass(frozen=True, slots=True)
class ObservedLock:
    """The strongest lock that the transaction holds on a relation after a statement."""

    relation: int
    mode: LockMode
    writing: bool = False
    """Whether ROW EXCLUSIVE is held, too, beside a stronger one: rows were written."""


@dataclass(frozen=True, slots=True)
class StatementObservation:
    """One statement: its text, its place and its effect on relations that were there before.

    ``block`` numbers the transactions of the file, from 1: a lock is held to the end of its block.
    ``locks`` are all locks that the block holds after the statement. ``changed`` holds the state
    before and after of each relation that the statement changed; None is a relation that is gone.
    """

    number: int
    line: int
    end_line: int
    text: str
    words: tuple[str, ...]
    block: int
    milliseconds: float
    lock_timeout: float
    """The ``lock_timeout`` in force when it started, in seconds; 0 means no limit."""
    locks: tuple[ObservedLock, ...] = ()
    scans: Mapping[int, int] = field(default_factory=dict)
    """Scans of each table and index that the statement made, by oid; also of new ones. A table that
    is read as a whole through an index counts, too."""
    driven: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """The tables whose rows a join finds by a unique key, and the tables on its other side."""
    written: Mapping[int, int] = field(default_factory=dict)
    """Rows that it wrote, by oid of the table; on a scratch database often none."""
    files: Mapping[int, int] = field(default_factory=dict)
    """The number of the file after the statement, by oid, of each locked relation."""
    changed: Mapping[int, tuple[Relation, Relation | None]] = field(default_factory=dict)
    created: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Schema and name, by oid, of new relations that it made, locked for the first time or wrote.
    The schema of a temporary one is ``pg_temp``."""
    notices: tuple[Diagnostic, ...] = ()
    autocommit: str | None = None
    """The command that ran outside a transaction, such as CREATE INDEX CONCURRENTLY."""


@dataclass(frozen=True, slots=True)
class FileObservation:
    """One migration that ran, and the catalog before and after it.

    ``failure`` is the error of its last statement, if the migration failed; the catalog after it is
    then the one before. ``broken`` are the queries of the workload that the server rejects since
    this migration, with its error.
    """

    migration: Migration
    statements: tuple[StatementObservation, ...]
    before: Catalog
    after: Catalog
    failure: Diagnostic | None = None
    broken: tuple[tuple[str, str], ...] = ()
