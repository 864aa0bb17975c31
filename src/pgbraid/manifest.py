"""Reads and writes ``pgbraid.sum``, which lists the files of a folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.core.answers import Summed
from pgbraid.core.filenames import MANIFEST
from pgbraid.core.manifest import compare, render, unreadable
from pgbraid.core.model import Problem, Severity
from pgbraid.errors import ConfigError, ProblemsFound
from pgbraid.files import fault, odd_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.core.answers import Check
    from pgbraid.core.model import MigrationSet

__all__ = ["with_sums", "write_sums"]


def with_sums(check: Check, migrations: MigrationSet) -> Check:
    """Return the check with what is to be said of the source's ``pgbraid.sum``.

    The checksums are those of loading, so what is compared is what would run.
    """
    return replace(check, problems=(*check.problems, *_problems(migrations)), sums=True)


def _problems(migrations: MigrationSet) -> Iterator[Problem]:
    if migrations.manifest is None:
        yield Problem(
            "sum_missing",
            f"there is no {MANIFEST} in {migrations.label}",
            hint="Write it with `pgbraid sum`, and commit it with the migrations.",
        )
        return
    path, file = migrations.manifest
    data = b""
    try:
        reason = odd_kind(file)
        data = b"" if reason else file.read_bytes()
    except OSError as error:
        reason = fault(file, error)
    if reason:
        yield unreadable(path, f"{MANIFEST} cannot be read: {reason}")
    else:
        yield from compare(migrations.sums, data, path)


def write_sums(folder: str | os.PathLike[str], migrations: MigrationSet) -> Summed:
    """List a folder's files, as they were loaded, in its ``pgbraid.sum``.

    It is written beside the old one, which it then replaces. Raises ProblemsFound where the
    files could not be run, ConfigError where it cannot be written; the old one stays then.
    """
    errors = tuple(p for p in migrations.problems if p.severity is Severity.ERROR)
    if errors:
        raise ProblemsFound(errors)
    path = Path(folder) / MANIFEST
    try:
        _replace(path, render(migrations.sums).encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    return Summed(str(path), len(migrations.sums), migrations.problems)


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{MANIFEST}.{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
