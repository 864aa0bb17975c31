"""Incomplete migrations: non-transactional ones that started and did not finish."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["CompletedStatement", "IncompleteMigration", "RecoveryDecision", "StartedStatement"]


@dataclass(frozen=True, slots=True)
class StartedStatement:
    """A statement that started and is not completed in the journal.

    ``number`` was its number in the file (from 1), ``settings`` the settings in force,
    ``kind`` and ``command`` its classification, ``catalog_before`` the catalog entry of its object
    before it started. If it failed, ``sqlstate`` is the code of the error and
    ``invalid_index_oid`` the oid of the invalid index that it left.
    """

    number: int
    digest: str
    text: str
    settings: tuple[str, ...] = ()
    kind: str = ""
    command: str | None = None
    catalog_before: Mapping[str, Any] = field(default_factory=dict)
    sqlstate: str | None = None
    invalid_index_oid: int | None = None


@dataclass(frozen=True, slots=True)
class CompletedStatement:
    """A completed or skipped statement: its number (from 1) and its digest.

    ``index_oid`` is the oid of the index that it created.
    """

    number: int
    digest: str
    index_oid: int | None = None


@dataclass(frozen=True, slots=True)
class IncompleteMigration:
    """A non-transactional migration that started and did not finish, according to the journal.

    ``started`` holds its statements that failed or whose outcome is unknown, the newest last.
    ``journal_lines`` is the number of its journal lines, which shows whether the journal changed
    between two readings.
    """

    version: int
    name: str
    statement_count: int = 0
    completed: tuple[CompletedStatement, ...] = ()
    started: tuple[StartedStatement, ...] = ()
    journal_lines: int = 0

    @property
    def completed_numbers(self) -> frozenset[int]:
        """The numbers of the completed statements."""
        return frozenset(statement.number for statement in self.completed)


@dataclass(frozen=True, slots=True)
class RecoveryDecision:
    """How to recover a statement that was started and whose end is not in the journal.

    ``done``: it was completed, once ``cleanup_sql``, if any, has run. Not ``done``: run
    ``cleanup_sql``, then the statement again. ``in_use``: the name of an index that another session
    builds or vacuums; wait. ``unknown_reason``: the catalog does not show the outcome, so the user
    must decide. ``index`` is the oid of the existing index.
    """

    done: bool = False
    cleanup_sql: tuple[str, ...] = ()
    in_use: str | None = None
    unknown_reason: str | None = None
    index: int | None = None
