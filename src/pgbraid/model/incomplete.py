"""Migrations outside a transaction that were begun and not finished, by the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["CompletedStatement", "IncompleteMigration", "StartedStatement"]


@dataclass(frozen=True, slots=True)
class StartedStatement:
    """A statement that was begun and is not known to be done, by the journal.

    ``number`` is its place in the file then, from 1; ``settings`` are the statements in force
    there. ``kind`` and ``command`` are what it was run as; ``catalog_before`` is what the catalog
    had of its object. ``sqlstate`` is the code of the error it ended with, if it did, and
    ``invalid_index_oid`` the oid of the invalid index that was there right behind that.
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
    """A statement that is through, or was skipped: its number, from 1, and its digest.

    ``index_oid`` is the oid of the index it made.
    """

    number: int
    digest: str
    index_oid: int | None = None


@dataclass(frozen=True, slots=True)
class IncompleteMigration:
    """A migration outside a transaction that was begun and not finished, by the journal.

    ``started`` holds those statements whose end was not seen, or not good, the newest last;
    ``journal_lines`` is how much the journal says of it, so that two looks at it can be told apart.
    """

    version: int
    name: str
    statement_count: int = 0
    completed: tuple[CompletedStatement, ...] = ()
    started: tuple[StartedStatement, ...] = ()
    journal_lines: int = 0

    @property
    def completed_numbers(self) -> frozenset[int]:
        """The numbers of the statements that are through."""
        return frozenset(through.number for through in self.completed)
