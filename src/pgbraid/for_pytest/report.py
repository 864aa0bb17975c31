"""Writes an error of pgbraid as the command line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.cli.render import psql
from pgbraid.model.errors import MigrationFailed, ProblemsFound

if TYPE_CHECKING:
    from pgbraid.model.errors import PgbraidError

__all__ = ["report_of"]


def report_of(error: PgbraidError) -> str:
    """Return the lines of an error, with file, line and caret where it has them."""
    lines = [f"{type(error).__name__}: {error.message}"]
    if isinstance(error, MigrationFailed):
        return "\n".join([*lines, *psql.diagnostic(error.diagnostic)])
    if isinstance(error, ProblemsFound):
        for problem in error.problems:
            lines.extend(psql.problem(problem))
    hint = error.hint.replace("`dir`", "`--pgbraid-dir`")
    lines.extend(list(psql.error("", error.detail, hint))[1:])
    return "\n".join(lines)
