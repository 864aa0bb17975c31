"""Files of every kind a migration can be: in a folder, in a package or a zip, in memory."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LARGE",
    "DiskFile",
    "MemoryFile",
    "Readable",
    "is_large_file",
    "odd_kind",
    "read_pieces",
]

LARGE = 1_000_000
"""Bytes above which a file is read, looked at and run piece by piece."""
_PIECE = 262_144


class Readable(Protocol):
    """What is asked of a file: a path, a member of a zip, and one in memory all have it."""

    @property
    def name(self) -> str:
        """Its name without a folder."""

    def is_file(self) -> bool:
        """Whether it is a regular file."""

    def is_dir(self) -> bool:
        """Whether it is a folder."""

    def read_bytes(self) -> bytes:
        """Return its bytes."""

    def open(self, mode: Literal["rb"], /) -> Any:  # noqa: ANN401 - streams differ by kind
        """Return a stream of its bytes."""


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A file that is a text in memory."""

    name: str
    content: bytes

    def is_file(self) -> bool:
        """Say that it is one."""
        return True

    def is_dir(self) -> bool:
        """Say that it is none."""
        return False

    def read_bytes(self) -> bytes:
        """Return its bytes."""
        return self.content

    def open(self, _mode: str, /) -> BinaryIO:
        """Return a stream of its bytes."""
        return io.BytesIO(self.content)


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file of a folder; what the folder's listing says of it is not asked again."""

    name: str
    path: str
    regular: bool

    def is_file(self) -> bool:
        """Whether the folder's listing called it a regular file, or a link to one."""
        return self.regular

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return Path(self.path).is_dir()

    def read_bytes(self) -> bytes:
        """Return its bytes; raises OSError."""
        with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123 - ten times as fast
            return file.readall()

    def open(self, _mode: str, /) -> BinaryIO:
        """Return a stream of its bytes; raises OSError."""
        return Path(self.path).open("rb")


def is_large_file(file: Readable) -> bool:
    """Whether a file is above the size; raises OSError."""
    if isinstance(file, MemoryFile):
        return len(file.content) > LARGE
    path = file.path if isinstance(file, DiskFile) else file
    return isinstance(path, (str, Path)) and os.stat(path).st_size > LARGE  # noqa: PTH116


def odd_kind(file: Readable) -> str | None:
    """Return what a file is that is none; what is not there is found out by reading it."""
    path = file.path if isinstance(file, DiskFile) else file
    if file.is_file() or (isinstance(path, (str, Path)) and not Path(path).exists()):
        return None
    return "it is a folder" if file.is_dir() else "it is no regular file"


def read_pieces(file: Readable) -> Iterator[bytes]:
    """Yield a file's bytes in pieces that are easily held."""
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
