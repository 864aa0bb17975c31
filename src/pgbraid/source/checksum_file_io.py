"""Reads and writes ``pgbraid.sum``, the checksum file of a folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Problem, Severity
from pgbraid.model.results import ChecksumFileWritten
from pgbraid.source.checksum_file import compare_checksums, format_checksums, unreadable
from pgbraid.source.filenames import CHECKSUM_FILE
from pgbraid.source.files import not_regular_reason, read_error_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import MigrationSet
    from pgbraid.model.results import Check

__all__ = ["with_checksum_problems", "write_checksum_file"]


def with_checksum_problems(check: Check, migrations: MigrationSet) -> Check:
    """Return the check with the problems of the source's ``pgbraid.sum`` added.

    Compares the checksums computed at loading, which are those of the texts that would run.
    """
    return replace(
        check, problems=(*check.problems, *_problems(migrations)), checksum_file_compared=True
    )


def _problems(migrations: MigrationSet) -> Iterator[Problem]:
    if migrations.checksum_file is None:
        yield Problem(
            "sum_missing",
            f"there is no {CHECKSUM_FILE} in {migrations.label}",
            hint="Write it with `pgbraid sum`, and commit it with the migrations.",
        )
        return
    path, file = migrations.checksum_file
    data = b""
    try:
        reason = not_regular_reason(file)
        data = b"" if reason else file.read_bytes()
    except OSError as error:
        reason = read_error_reason(file, error)
    if reason:
        yield unreadable(path, f"{CHECKSUM_FILE} cannot be read: {reason}")
    else:
        yield from compare_checksums(migrations.file_checksums, data, path)


def write_checksum_file(
    folder: str | os.PathLike[str], migrations: MigrationSet
) -> ChecksumFileWritten:
    """Write the checksums of a folder's loaded files to its ``pgbraid.sum``.

    Raises ProblemsFound if the files have errors, ConfigError if the file cannot be written. The
    old file then stays unchanged.
    """
    errors = tuple(p for p in migrations.problems if p.severity is Severity.ERROR)
    if errors:
        raise ProblemsFound(errors)
    path = Path(folder) / CHECKSUM_FILE
    try:
        _replace(path, format_checksums(migrations.file_checksums).encode())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    return ChecksumFileWritten(str(path), len(migrations.file_checksums), migrations.problems)


def _replace(path: Path, content: bytes) -> None:
    """Replace a file atomically, so that no reader ever sees a part of the new content."""
    temporary = path.with_name(f".{CHECKSUM_FILE}.{os.urandom(4).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
