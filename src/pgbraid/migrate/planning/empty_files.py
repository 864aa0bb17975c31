"""Decides which files without a statement stop a run.

A new file without a statement was probably forgotten: applied, it would never run again. But old
histories have such files, which must stay as they are, also for a fresh database. So a file counts
as new if no later file has a statement, or if this database has already passed its version.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.migration import Severity
from pgbraid.source.content import has_statements

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from pgbraid.model.migration import MigrationSet, Problem

__all__ = ["refuse_new_empty_files"]

_DETAIL = "If it were applied now, SQL that is added to it later would never run."


def refuse_new_empty_files(
    problems: Sequence[Problem], migrations: MigrationSet, gaps: Iterable[int] = ()
) -> Iterator[Problem]:
    """Yield the problems; a warning about a new file without a statement becomes an error.

    ``gaps`` are the pending versions below an applied one. Raises ProblemsFound if a file has
    changed since loading.
    """
    empty = {v for problem in problems if problem.code == "empty" for v in problem.versions}
    last = _last_with_statements(migrations, empty) if empty else -1
    gaps = frozenset(gaps)
    for problem in problems:
        new = any(version > last or version in gaps for version in problem.versions)
        if problem.code == "empty" and new:
            yield replace(problem, severity=Severity.ERROR, detail=_DETAIL)
        else:
            yield problem


def _last_with_statements(migrations: MigrationSet, empty: Collection[int]) -> int:
    """Return the highest version whose file has a statement, or -1.

    ``empty`` are the versions known to have none; other files are read, the newest first.
    """
    files = (m for m in reversed(migrations.migrations) if m.version not in empty)
    return next((m.version for m in files if has_statements(m)), -1)
