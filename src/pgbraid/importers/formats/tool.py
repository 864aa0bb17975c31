"""The interface of an importer: how another tool's tracker and files are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from typing import Any, LiteralString

    from pgbraid.model.results import TrackerTable

    Read = Callable[[TrackerTable], "History | tuple[Problem, ...]"]
    Files = Callable[[Sequence["ForeignFile"]], tuple["ForeignMigration", ...]]

__all__ = [
    "BIGINT",
    "INTEGER",
    "NAME",
    "TIME",
    "VARCHAR",
    "Export",
    "ExportedMigration",
    "ForeignFile",
    "ForeignMigration",
    "History",
    "Recorded",
    "Tool",
    "number_of",
    "unfinished",
    "version_of",
]

VARCHAR = "character varying"
NAME = f"{VARCHAR}|text"
INTEGER = "integer|bigint"
BIGINT = "bigint"
TIME = "timestamp without time zone|timestamp with time zone"

_LEADING_VERSION = re.compile(r"[VvUu]?([0-9]{1,19})(?![0-9A-Za-z.])")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A migration that a tracker records as applied, with its key, checksum and name there."""

    key: str
    checksum: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The migrations that a tracker records as applied.

    ``applied`` names them one by one. All migrations up to the key ``through`` are applied as well;
    ``needs_file``: that key must be one of a file. ``heads``: these and all that precede them.
    """

    applied: tuple[Recorded, ...] = ()
    through: str | None = None
    needs_file: bool = True
    heads: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no migration is applied."""
        return not (self.applied or self.heads or self.through is not None)


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A file of another tool's folder, with its path below the folder."""

    path: str
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The last folder of the path, or an empty string."""
        return self.path.rpartition("/")[0].rpartition("/")[2]

    @property
    def text(self) -> str:
        """The content as text without a byte-order mark; bytes that are not UTF-8 are replaced."""
        return self.data.decode("utf-8-sig", errors="replace")


@dataclass(frozen=True, slots=True)
class ForeignMigration:
    """A migration in another tool's folder.

    ``key`` is its key in the tracker, ``digits`` the version in its name. ``up`` is the SQL that
    the tool runs; it is None if only the tool itself can produce it. ``checksums`` are all that the
    tool accepts. ``after`` are the keys of the migrations that precede it, if the tool has a graph.
    ``notes`` tell the user what to look at.
    """

    key: str
    path: str
    digits: str
    name: str
    up: str | None = field(repr=False)
    down: str | None = field(default=None, repr=False)
    no_transaction: bool = False
    checksums: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportedMigration:
    """An applied migration that is to be recorded in another tool's table.

    ``digits`` is the version as it is written in the file's name.
    """

    version: int
    digits: str
    name: str
    data: bytes = field(repr=False)
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class Export:
    """The rows for another tool's table, and the statements that create the table if it is missing.

    In ``create``, ``{table}`` stands for the table, ``{key}`` for its primary key, and ``{index}``
    for an index on it. With ``replace``, the rows replace all others: the tool keeps one row.
    """

    create: tuple[LiteralString, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    replace: bool = False
    note: str | None = None
    """How the files must be named so that the tool finds them."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Another migration tool: how its tracker is recognised and read, and how its files are.

    A table is the tracker if its name is one of ``tables`` and it has at least ``columns``, each
    with one of the listed types, because several tools share a table name and applications add
    columns of their own. With ``exact`` it has no other columns. ``schema`` is where the tool puts
    the table by default; with ``only_there`` a table elsewhere is another tool's. ``key`` is the
    column that identifies a migration, ``more`` are columns that only some versions of the tool
    have.

    ``read`` returns the history that the rows record, or the problems that prevent an adoption.
    ``files`` returns the migrations of a folder in the order in which the tool runs them, or raises
    ProblemsFound; it is None if the tool has no SQL files. ``order`` is the sort key of a tracker's
    key. ``by_version``: the key of a migration is its version, so no file must be read to find it.
    """

    tool: str
    tables: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    """Name and type of each column, as ``format_type`` prints it; ``|`` separates two types."""
    key: str
    read: Read
    files: Files | None = None
    ids: tuple[str, ...] = ()
    """The names by which the command line selects the tool, if not its name in lower case."""
    schema: str | None = None
    only_there: bool = False
    exact: bool = False
    more: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    """Those of ``columns`` that may be NULL."""
    has_initial_row: bool = False
    """Whether the tool writes a row of version 0 before any migration."""
    by_version: bool = False
    order: Callable[[str], Any] = int
    scope: Callable[[str], str] | None = None
    """The part of a key that names its project, if a table may have those of several."""
    unchanged: Callable[[Sequence[ForeignFile], History], frozenset[str]] | None = None
    """Returns the keys of unchanged files, for checksums that depend on the history."""
    export: Callable[[Sequence[ExportedMigration], int], Export] | None = None
    """Returns the rows for migrations that the tool's table lacks; the number is that of the
    last row that it has, or 0."""
    beside: tuple[str, ...] = ()
    """Other tables and types that the tool creates in the schema of its tracker."""
    lock: tuple[str, str] | None = None
    """The table and the column that show that a run of the tool is in progress, or was killed."""
    program: str | None = None
    """The file of a Python program that writes the tool's migrations as JSON, run where the tool is
    installed."""
    runs_as_it_is: bool = False
    """Whether pgbraid runs the tool's files, so that nothing has to be converted."""
    schemas: Callable[[TrackerTable], Iterable[str]] | None = None
    """Returns the schemas that the tool creates for the migrations of its tracker."""
    removal: str | None = None
    """How to remove the tool, if other objects of it need its tracker."""
    automatic: bool = False
    """Whether the first ``up`` adopts the history without a decision of the user."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which the command line selects the tool."""
        return self.ids or (self.tool.lower(),)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns to read."""
        return (*(name for name, _ in self.columns), *self.more)

    def objects(self, table: TrackerTable) -> tuple[str, ...]:
        """Return all objects of the tool as ``schema.name``; ``schema.*`` is its own schema."""
        own = (f"{table.schema}.*",) if table.schema == self.schema else ()
        beside = (f"{table.schema}.{name}" for name in self.beside)
        schemas = (f"{name}.*" for name in (self.schemas(table) if self.schemas else ()))
        return (table.name, *beside, *own, *schemas)

    def matches(self, table: TrackerTable) -> bool:
        """Whether a table is this tool's tracker."""
        types = dict(table.columns)
        return (
            table.table in self.tables
            and not (self.only_there and table.schema != self.schema)
            and all(types.get(name) in kinds.split("|") for name, kinds in self.columns)
            and not (self.exact and len(types) > len(self.columns))
        )


def version_of(key: str) -> int | None:
    """Return the version at the start of a recorded key such as ``0001_initial``, or None."""
    match = _LEADING_VERSION.match(key)
    return int(match[1]) if match else None


def number_of(key: str) -> str:
    """Return a version without leading zeros."""
    return key.lstrip("0") or "0"


def unfinished(table: TrackerTable, tool: str, key: str, state: str, hint: str) -> Problem:
    """Return the problem of a migration that the tool did not complete."""
    version = version_of(key)
    return Problem(
        "tracker_dirty",
        f"{table.name} records that {tool} {state} {key}",
        detail="The table does not record how much of that migration was applied.",
        hint=f"{hint} Then run `pgbraid adopt`.",
        versions=() if version is None else (version,),
        location=None if "/" not in key else Location(key),
    )
