"""Explains why a source holds no migration."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.migration import Location, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.source.files import Source

__all__ = ["explain_empty_source"]

_FOREIGN_FILES = ("up.sql", "migration.sql")


def explain_empty_source(
    source: Source, label: str, problems: Iterable[Problem]
) -> Iterator[Problem]:
    """Yield a warning for a source without migrations, or an error if its files show a mistake."""
    misses = sum(problem.code == "near_miss" for problem in problems)
    folders = _subfolders(source)
    foreign = sum(any((f / name).is_file() for name in _FOREIGN_FILES) for f in folders)
    nested = any(any(f.glob("*.sql")) for f in folders)
    contents = ""
    if misses:
        contents = f", but {misses} file{'s look' if misses > 1 else ' looks'} like one"
    elif foreign:
        look = "s look" if foreign > 1 else " looks"
        contents = f", but {foreign} folder{look} like another tool's migrations"
    elif nested:
        contents = "; sub-folders are not entered"
    yield Problem(
        "no_migrations",
        f"no migration in {label or 'memory'}{contents}",
        hint="Migrations are files NNN_name.sql directly in the folder. Rename them, convert "
        "those of another tool with `pgbraid convert`, or name another folder with `dir`.",
        severity=Severity.ERROR if misses or foreign else Severity.WARNING,
        location=Location(label) if label else None,
    )


def _subfolders(source: Source) -> list[Path]:
    if not isinstance(source, (str, PathLike)):
        return []
    try:
        return [entry for entry in Path(source).iterdir() if entry.is_dir() and _readable(entry)]
    except OSError:
        return []


def _readable(folder: Path) -> bool:
    try:
        next(folder.iterdir(), None)
    except OSError:
        return False
    return True
