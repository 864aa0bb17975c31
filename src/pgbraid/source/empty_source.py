"""What is said of a source in which there is no migration."""

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
    """Warn of a source without any migration; refuse one whose files show that it is wrong."""
    misses = sum(problem.code == "near_miss" for problem in problems)
    folders = _subfolders(source)
    foreign = sum(any((f / name).is_file() for name in _FOREIGN_FILES) for f in folders)
    nested = any(any(f.glob("*.sql")) for f in folders)
    found = ""
    if misses:
        found = f", but {misses} file{'s look' if misses > 1 else ' looks'} like one"
    elif foreign:
        found = f", but {foreign} folder{'s of' if foreign > 1 else ' of'} another tool's"
    elif nested:
        found = "; sub-folders are not entered"
    yield Problem(
        "no_migrations",
        f"no migration in {label or 'memory'}{found}",
        hint="Migrations are files NNN_name.sql in the folder itself; rename them, or name "
        "another folder with `dir`.",
        severity=Severity.ERROR if misses or foreign else Severity.WARNING,
        location=Location(label) if label else None,
    )


def _subfolders(source: Source) -> list[Path]:
    if not isinstance(source, (str, PathLike)):
        return []
    try:
        return [entry for entry in Path(source).iterdir() if entry.is_dir() and _open(entry)]
    except OSError:
        return []


def _open(folder: Path) -> bool:
    try:
        next(folder.iterdir(), None)
    except OSError:
        return False
    return True
