"""A rule: its description, from which the documentation is made, and its function."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.texts import masked, names
from pgbraid.model.findings import Finding, HazardSeverity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.hazards.analysis.context import FileContext, Step

__all__ = ["Rule", "found", "naming"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the catalogue.

    ``family`` is a letter: A blocks by size, B loses data or may fail on it, C breaks the running
    release, D leaves something behind, E did not run. ``severity`` is fixed, or None if the size
    of the table decides. ``fires`` is its condition, ``instead`` how to avoid it, ``versions``
    which versions of PostgreSQL differ. ``judge`` yields its findings in one migration.
    """

    id: str
    family: str
    title: str
    fires: str
    instead: str
    judge: Callable[[FileContext], Iterator[Finding]]
    severity: HazardSeverity | None = None
    versions: str = ""


def found(rule: str, context: FileContext, step: Step | None, message: str) -> Finding:
    """Return a finding at a statement, without its weight."""
    finding = Finding(rule, HazardSeverity.WARNING, context.file.migration, message)
    if step is None:
        return finding
    statement = step.statement
    return replace(
        finding,
        line=statement.line,
        end_line=statement.end_line,
        statement_number=statement.number,
        statement=masked(statement.text),
    )


def naming(context: FileContext, *words: str) -> Step | None:
    """Return the first statement that has all these words, else the last statement.

    For changes that no lock shows, such as those of functions and privileges.
    """
    for step in context.steps:
        if set(words) <= names(step.statement.text):
            return step
    return context.steps[-1] if context.steps else None
