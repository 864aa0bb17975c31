"""Ways to lay the work out that several tools share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.workload import File

__all__ = ["files", "guarded", "statement_blocks"]


def files(
    name: str = "{version:06d}_{name}.sql", body: Callable[[File], str] | None = None
) -> Callable[[Path, Sequence[File]], None]:
    """Write one file for each migration: its name from a pattern, its text from ``body``."""
    return partial(_write, name, body or (lambda file: file.sql))


def _write(
    name: str, body: Callable[[File], str], folder: Path, migrations: Sequence[File]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in migrations:
        path = folder / name.format(version=file.version, name=file.name)
        path.write_text(body(file))


def guarded(head: str, begin: str, end: str) -> Callable[[File], str]:
    """Return a body whose function stands between two marks, for tools that split statements."""
    return lambda file: head + statement_blocks(file.sql, begin, end)


def statement_blocks(sql: str, begin: str, end: str) -> str:
    """Put marks around the function of a file, if it has one: it is the first statement."""
    function, closed, rest = sql.partition("$$;\n")
    return f"{begin}{function}{closed}{end}{rest}" if closed else sql
