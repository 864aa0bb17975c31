"""Replaces the files of squashed migrations by the baseline, all or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import digest
from pgbraid.model.results import Check
from pgbraid.source.checksum_file import with_checksum_problems, write_checksum_file
from pgbraid.source.filenames import CHECKSUM_FILE
from pgbraid.source.git import uncommitted
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.migration import Migration, MigrationSet

__all__ = ["check_files", "deleted_files", "replace_files"]

_LISTED = 3


def deleted_files(folder: str, history: Sequence[Migration]) -> tuple[str, ...]:
    """Return the paths of the files of migrations, with their down files."""
    return tuple(f"{folder}/{name}" for name in _names(history))


def _names(history: Sequence[Migration]) -> list[str]:
    return [name for m in history for name in (m.file, m.down) if name is not None]


def check_files(
    migrations: MigrationSet, history: Sequence[Migration], file: str, *, force: bool
) -> None:
    """Raise an error if the files cannot be replaced.

    Raises ConfigError for migrations that are not in a folder, for a file with the name of the
    baseline, and, without ``force``, for files that git could not restore. Raises ProblemsFound if
    ``pgbraid.sum`` does not list the files as they are.
    """
    folder = Path(migrations.label)
    if not folder.is_dir():
        raise ConfigError(
            f"{migrations.label!r} is not a folder whose files could be replaced",
            hint="Name the folder of migrations with `dir`.",
        )
    if os.path.lexists(folder / file):
        raise ConfigError(
            f"{folder / file} exists",
            hint="Choose another name: `pgbraid squash --name NAME`.",
        )
    changed = () if force else uncommitted(str(folder), _names(history))
    if changed:
        listed = ", ".join(changed[:_LISTED])
        more = f" and {len(changed) - _LISTED} more" if len(changed) > _LISTED else ""
        raise ConfigError(
            f"the replaced files must be committed: {listed}{more}",
            detail="The files are deleted, and git could not restore them as they are now.",
            hint="Commit them, then run `pgbraid squash` again; or delete them anyway with "
            "`pgbraid squash --force`.",
        )
    if migrations.checksum_file is not None:
        # The new list would hide a change that the user has not accepted.
        problems = with_checksum_problems(Check(0), migrations).problems
        if problems:
            raise ProblemsFound(problems)


def replace_files(
    migrations: MigrationSet,
    history: Sequence[Migration],
    file: str,
    text: str,
    links: tuple[str, ...] = (),
) -> None:
    """Write the baseline, delete the files that it replaces, and write ``pgbraid.sum`` again.

    The file ``pgbraid.origin.json`` stays as it is: it has the keys by which another tool recorded
    the replaced versions. ``links`` are the folders to which links may lead. Raises ConfigError if
    a file cannot be written or deleted, or was changed since; then all files are as they were.
    """
    folder = Path(migrations.label)
    try:
        _check_unchanged(migrations, history)
        with ExitStack() as undo:
            aside = Path(tempfile.mkdtemp(prefix=".pgbraid-squash-", dir=folder))
            undo.callback(_remove_folder, aside)
            sums = folder / CHECKSUM_FILE
            if migrations.checksum_file is not None:
                before = sums.read_bytes()
                undo.callback(_restore, sums, before)
            for name in _names(history):
                (folder / name).rename(aside / name)
                undo.callback(_move_back, aside / name, folder / name)
            baseline = folder / file
            # The mode x does not replace a file that was written in the meantime.
            with baseline.open("x", encoding="utf-8", newline="\n") as stream:
                undo.callback(baseline.unlink, missing_ok=True)
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            if migrations.checksum_file is not None:
                write_checksum_file(folder, load_migrations(folder, links))
            undo.pop_all()
        shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise ConfigError(
            f"cannot replace the files in {folder}: {error.strerror or error}",
            detail="All files are as they were.",
            hint="Make the folder writable for this user, then run `pgbraid squash` again.",
        ) from None


def _check_unchanged(migrations: MigrationSet, history: Sequence[Migration]) -> None:
    """Raise ConfigError if a file is not the one that was loaded, and OSError."""
    loaded = {name: checksum for name, _, checksum in migrations.file_checksums}
    folder = Path(migrations.label)
    changed = [n for n in _names(history) if digest((folder / n).read_bytes()) != loaded[n]]
    if changed:
        raise ConfigError(
            f"{changed[0]} was changed while the baseline was proven",
            detail="All files are as they were.",
            hint="Run `pgbraid squash` again.",
        )


def _move_back(aside: Path, path: Path) -> None:
    with suppress(OSError):
        aside.rename(path)


def _restore(path: Path, content: bytes) -> None:
    with suppress(OSError):
        if path.read_bytes() != content:
            path.write_bytes(content)


def _remove_folder(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
