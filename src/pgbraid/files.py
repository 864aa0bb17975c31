"""Files of every kind a migration can be: in a folder, in a package or a zip, in memory."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LARGE",
    "DiskFile",
    "MemoryFile",
    "Readable",
    "odd_kind",
    "read_pieces",
    "read_small",
    "read_unless_large",
]

LARGE = 1_000_000
"""Bytes above which a file is read, looked at and run piece by piece."""
_PIECE = 262_144
_USUAL = 32_768
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Readable(Protocol):
    """What is asked of a file: a path, a member of a zip, and one in memory all have it."""

    @property
    def name(self) -> str:  # pyright: ignore[reportReturnType]
        """Its name without a folder."""

    def is_file(self) -> bool:  # pyright: ignore[reportReturnType]
        """Whether it is a regular file."""

    def is_dir(self) -> bool:  # pyright: ignore[reportReturnType]
        """Whether it is a folder."""

    def read_bytes(self) -> bytes:  # pyright: ignore[reportReturnType]
        """Return its bytes."""

    def open(self, mode: Literal["rb"], /) -> Any:  # noqa: ANN401 - streams differ by kind
        """Return a stream of its bytes."""


class MemoryFile:
    """A file that is a text in memory."""

    __slots__ = ("content", "name")

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content

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


class DiskFile:
    """A file of a folder; what the folder's listing says of it is not asked again."""

    __slots__ = ("name", "path", "regular")

    def __init__(self, name: str, path: str, regular: bool) -> None:  # noqa: FBT001 - as listed
        self.name = name
        self.path = path
        self.regular = regular

    def is_file(self) -> bool:
        """Whether the folder's listing called it a regular file, or a link to one."""
        return self.regular

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return Path(self.path).is_dir()

    def read_bytes(self) -> bytes:
        """Return its bytes; raises OSError."""
        return read_small(self.path, limit=None) or b""

    def open(self, _mode: str, /) -> BinaryIO:
        """Return a stream of its bytes; raises OSError."""
        return Path(self.path).open("rb")


def read_small(path: str, *, limit: int | None) -> bytes | None:
    """Return a file's bytes, or None where it is above a size; raises OSError.

    Few calls of the system for a file of the usual size: over many files they add up.
    """
    file = os.open(path, _READ)
    try:
        data = os.read(file, _USUAL)
        if len(data) == _USUAL and limit is not None and os.fstat(file).st_size > limit:
            return None
        while piece := os.read(file, _PIECE):  # a read may be short anywhere but at the end
            data += piece
        return data
    finally:
        os.close(file)


def read_unless_large(file: Readable) -> bytes | None:
    """Return a file's bytes, or None where it is to be read piece by piece; raises OSError."""
    if isinstance(file, DiskFile):
        return read_small(file.path, limit=LARGE)
    if isinstance(file, Path):
        return read_small(str(file), limit=LARGE)
    data = file.read_bytes()
    return None if len(data) > LARGE else data


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
