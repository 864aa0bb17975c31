"""The system check: ``manage.py check --database default`` compares files and database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import Error
from django.core.checks import Warning as CheckWarning

from pgbraid.django.project import database_url_of, project_migrator
from pgbraid.model.errors import PgbraidError
from pgbraid.model.migration import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.core.checks import CheckMessage

    from pgbraid.model.migration import Problem

__all__ = ["check_migrations"]

_ALIAS = "default"


def check_migrations(*, databases: Iterable[str] | None = None, **_: object) -> list[CheckMessage]:
    """Return the problems of ``check --allow-newer`` on the default database, if it is checked."""
    if _ALIAS not in (databases or ()):
        return []
    try:
        check = project_migrator().check(database_url_of(_ALIAS), newer_ok=True)
    except PgbraidError as error:
        return [Error(error.message, hint=error.hint, id="pgbraid.error")]
    return [_message(problem) for problem in check.problems]


def _message(problem: Problem) -> CheckMessage:
    kind = Error if problem.severity is Severity.ERROR else CheckWarning
    return kind(problem.message, hint=problem.hint, id=f"pgbraid.{problem.code}")
