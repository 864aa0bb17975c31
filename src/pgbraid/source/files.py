"""Files of every kind a migration can be: in a folder, in a package or a zip, in memory."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

from pgbraid.model.migration import LARGE_SCRIPT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

    Source = str | os.PathLike[str] | Traversable | Mapping[str, str | bytes]
    """A folder's path, a package resource, or file names with their texts."""

__all__ = [
    "DiskFile",
    "LinkOutsideFolder",
    "MemoryFile",
    "SourceFile",
    "list_folder",
    "not_regular_reason",
    "read_error_reason",
    "read_pieces",
    "read_small",
    "read_unless_large",
    "wrap_resource",
]

_PIECE = 262_144
_USUAL = 32_768
_READ = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)
_NOT_FOLLOWED = frozenset({errno.ELOOP, errno.EMLINK})
"""What a link is refused with that is not to be followed; EMLINK on FreeBSD."""


class SourceFile(Protocol):
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


class LinkOutsideFolder(OSError):
    """A symbolic link that leads out of the folder it stands in, to ``target``."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(errno.EACCES, "it is a link out of the folder")


class DiskFile:
    """A file of a folder; what the folder's listing says of it is not asked again.

    A file that the listing called regular is not followed where it has become a link since. A
    link is followed each time it is read, as far as it leads neither out of the folder nor out of
    one of ``trusted``.
    """

    __slots__ = ("link", "name", "path", "regular", "trusted")

    def __init__(
        self,
        name: str,
        path: str,
        *,
        regular: bool,
        link: bool = False,
        trusted: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.path = path
        self.regular = regular
        self.link = link
        self.trusted = trusted

    def is_file(self) -> bool:
        """Whether it is a regular file, or a link to one; raises OSError for a link to nothing."""
        return Path(self.resolved_path()).is_file() if self.link else self.regular

    def is_dir(self) -> bool:
        """Whether it is a folder, or a link to one."""
        return Path(self.path).is_dir()

    def resolved_path(self) -> str:
        """Return the path to read.

        Raises LeadsOutside where a link leads out of the folder, OSError where it leads nowhere.
        """
        if not self.link:
            return self.path
        path = Path(self.path)
        found = os.path.realpath(path, strict=True)
        folders = (str(path.parent), *self.trusted)
        if not any(Path(found).is_relative_to(os.path.realpath(folder)) for folder in folders):
            raise LinkOutsideFolder(found)
        return found

    def read_bytes(self) -> bytes:
        """Return its bytes; raises OSError."""
        return read_small(self.resolved_path(), limit=None) or b""

    def open(self, _mode: str, /) -> BinaryIO:
        """Return a stream of its bytes; raises OSError."""
        return os.fdopen(os.open(self.resolved_path(), _READ), "rb")


def list_folder(folder: str | os.PathLike[str], trusted: tuple[str, ...] = ()) -> list[DiskFile]:
    """Return what stands in a folder, in no order; its links may lead to ``trusted`` ones.

    Raises OSError.
    """
    with os.scandir(folder) as found:
        return [
            DiskFile(
                entry.name,
                entry.path,
                regular=entry.is_file(follow_symlinks=False),
                link=entry.is_symlink(),
                trusted=trusted,
            )
            for entry in found
        ]


def wrap_resource(file: SourceFile, trusted: tuple[str, ...] = ()) -> SourceFile:
    """Return a package's file; one that stands on the disk may be a link as any other there."""
    if not isinstance(file, Path):
        return file
    link = file.is_symlink()
    regular = file.is_file() and not link
    return DiskFile(file.name, str(file), regular=regular, link=link, trusted=trusted)


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


def read_unless_large(file: SourceFile) -> bytes | None:
    """Return a file's bytes, or None where it is to be read piece by piece; raises OSError."""
    if isinstance(file, DiskFile):
        return read_small(file.resolved_path(), limit=LARGE_SCRIPT_BYTES)
    data = file.read_bytes()
    return None if len(data) > LARGE_SCRIPT_BYTES else data


def not_regular_reason(file: SourceFile) -> str | None:
    """Return what a file is that is none; what is not there is found out by reading it.

    Raises OSError for a link that cannot be followed.
    """
    if file.is_file() or (isinstance(file, DiskFile) and not Path(file.path).exists()):
        return None
    return "it is a folder" if file.is_dir() else "it is no regular file"


def read_error_reason(file: SourceFile, error: OSError) -> str | None:
    """Return why a file cannot be read, as a person would say it."""
    listed = isinstance(file, DiskFile) and not file.link
    if listed and error.errno in _NOT_FOLLOWED:
        return "it became a link meanwhile"
    return error.strerror


def read_pieces(file: SourceFile) -> Iterator[bytes]:
    """Yield a file's bytes in pieces that are easily held."""
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
