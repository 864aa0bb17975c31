"""Renames files of a folder, all or none."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.source.checksum_file import replace_checksum_file

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["rename_files"]


def rename_files(
    renames: Sequence[tuple[Path, Path]], checksum_file: tuple[Path, bytes] | None = None
) -> None:
    """Rename files in the given order, then replace the checksum file by its new content.

    If anything fails or is interrupted, the files get their old names back. Raises ConfigError if a
    file cannot be renamed, or if a new name exists.
    """
    renamed: list[tuple[Path, Path]] = []
    path = renames[0][0] if renames else Path()
    try:
        for old, new in renames:
            path = old
            _rename(old, new)
            renamed.append((old, new))
        if checksum_file is not None:
            path = checksum_file[0]
            replace_checksum_file(*checksum_file)
    except BaseException as error:
        not_restored = _rename_back(renamed)
        if isinstance(error, OSError):
            raise _failed(path, error, not_restored) from None
        raise


def _rename(old: Path, new: Path) -> None:
    # The system's rename would replace an existing file.
    if new.is_symlink() or new.exists():
        raise FileExistsError(errno.EEXIST, f"{new.name} exists")
    old.rename(new)


def _rename_back(renamed: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    """Rename files back, the last one first; return those for which it failed."""
    not_restored = []
    for old, new in reversed(renamed):
        try:
            new.rename(old)
        except OSError:
            not_restored.append((old, new))
    return not_restored


def _failed(path: Path, error: OSError, not_restored: list[tuple[Path, Path]]) -> ConfigError:
    names = ", ".join(f"{new} (was {old.name})" for old, new in not_restored)
    return ConfigError(
        f"cannot change {path}: {error.strerror}",
        detail=f"These files could not get their old names back: {names}."
        if not_restored
        else "Every file has its old name.",
        hint="Make the folder writable for this user, then run `pgbraid renumber` again.",
    )
