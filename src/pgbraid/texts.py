"""The texts of migrations: read again as they were loaded, and inspected before anything runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.drift import digest
from pgbraid.core.model import Location, Migration, Problem, Severity
from pgbraid.core.refusals import inspect_script
from pgbraid.core.script import Script, parse
from pgbraid.errors import ProblemsFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["as_down", "decode", "inspect_files", "read_down", "read_script"]


def decode(data: bytes) -> str:
    """Return a migration's bytes as text; they were found to be UTF-8 when they were loaded."""
    return data.decode()


def read_script(migration: Migration) -> tuple[bytes, Script]:
    """Return a migration's bytes and text, which are the ones that were hashed at loading.

    Raises ProblemsFound if the file has changed since.
    """
    try:
        data: bytes = migration.origin.read_bytes()
    except OSError:
        data = b""
    if digest(data) != migration.checksum:
        raise ProblemsFound((_changed(migration),))
    return data, parse(decode(data))


def read_down(migration: Migration) -> tuple[bytes, Script]:
    """Return the bytes and text of a migration's down file, which must be there.

    Raises ProblemsFound if it cannot be read any more.
    """
    try:
        data: bytes = migration.down_origin.read_bytes()
        return data, parse(decode(data))
    except (OSError, UnicodeDecodeError):
        raise ProblemsFound((_changed(migration),)) from None


def _changed(migration: Migration) -> Problem:
    return Problem(
        "changed_during_run",
        f"{migration.file} changed while pgbraid was running",
        hint="Run `pgbraid up` again when the folder is at rest.",
        location=Location(migration.path),
        versions=(migration.version,),
    )


def inspect_files(migrations: Iterable[Migration], *, downs: bool = False) -> Iterator[Problem]:
    """Yield what must not be in the texts of these migrations.

    With ``downs`` their down files are looked at too; as ``up`` never runs one, what is wrong
    with it is a warning.
    """
    for migration in migrations:
        try:
            _, script = read_script(migration)
        except ProblemsFound as error:
            yield from error.problems
            continue
        yield from inspect_script(migration, script)
        if downs and migration.down:
            for problem in inspect_script(as_down(migration), read_down(migration)[1]):
                if problem.code != "empty":
                    yield replace(problem, severity=Severity.WARNING)


def as_down(migration: Migration) -> Migration:
    """Return the migration with its down file's path, to speak of that file."""
    folder = migration.path.removesuffix(migration.file)
    return replace(migration, path=f"{folder}{migration.down}")
