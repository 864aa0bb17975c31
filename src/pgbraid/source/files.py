"""Reads files from a folder, a package, a zip or memory through one interface."""

from __future__ import annotations

import errno
import io
import os

from pgbraid.model.units import LARGE_SCRIPT_BYTES

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable
    from typing import Any, BinaryIO, Literal, Protocol

    Source = str | os.PathLike[str] | Traversable | Mapping[str, str | bytes]
    """A folder's path, a package resource, or a mapping of file names to texts."""

    class SourceFile(Protocol):
        """The methods that pgbraid needs of a file on disk, in a zip or in memory."""

        @property
        def name(self) -> str:  # pyright: ignore[reportReturnType]
            """The name without its folder."""

        def is_file(self) -> bool:  # pyright: ignore[reportReturnType]
            """Whether this is a regular file."""

        def is_dir(self) -> bool:  # pyright: ignore[reportReturnType]
            """Whether this is a folder."""

        def read_bytes(self) -> bytes:  # pyright: ignore[reportReturnType]
            """Return the content."""

        def open(self, mode: Literal["rb"], /) -> Any:  # noqa: ANN401 - streams differ by kind
            """Return a stream of the content."""


__all__ = [
    "DiskFile",
    "LinkOutsideFolder",
    "MemoryFile",
    "list_folder",
    "not_regular_reason",
    "read_chunks",
    "read_error_reason",
    "read_small",
    "read_unless_large",
    "wrap_resource",
]

_CHUNK_BYTES = 262_144
_SMALL_FILE_BYTES = 32_768
_READ = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)
_NOT_FOLLOWED = frozenset({errno.ELOOP, errno.EMLINK})
"""Error codes of opening a symbolic link with O_NOFOLLOW; FreeBSD uses EMLINK."""


class MemoryFile:
    """A file whose content is in memory."""

    __slots__ = ("content", "name")

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self.content = content

    def is_file(self) -> bool:
        """Return True."""
        return True

    def is_dir(self) -> bool:
        """Return False."""
        return False

    def read_bytes(self) -> bytes:
        """Return the content."""
        return self.content

    def open(self, _mode: str, /) -> BinaryIO:
        """Return a stream of the content."""
        return io.BytesIO(self.content)


class LinkOutsideFolder(OSError):
    """A symbolic link leads out of its folder, to ``target``."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(errno.EACCES, "it is a link out of the folder")


class DiskFile:
    """A file of a folder, with its type from the folder's listing, which saves a stat per file.

    If a regular file has become a symbolic link since the listing, opening it fails. A link is
    resolved at each reading; it must lead into its own folder or one of ``trusted``.
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
        """Whether this is a regular file or a link to one. Raises OSError for a dangling link."""
        return os.path.isfile(self.resolved_path()) if self.link else self.regular

    def is_dir(self) -> bool:
        """Whether this is a folder or a link to one."""
        return os.path.isdir(self.path)

    def resolved_path(self) -> str:
        """Return the path to read, with links resolved.

        Raises LinkOutsideFolder if a link leads out of the folder, OSError if it is dangling.
        """
        if not self.link:
            return self.path
        # The resolved path is opened with O_NOFOLLOW, so the target cannot become another link.
        target = os.path.realpath(self.path, strict=True)
        folders = (os.path.dirname(self.path) or os.curdir, *self.trusted)
        if not any(_is_below(target, os.path.realpath(folder)) for folder in folders):
            raise LinkOutsideFolder(target)
        return target

    def read_bytes(self) -> bytes:
        """Return the content. Raises OSError."""
        return read_small(self.resolved_path(), limit=None) or b""

    def open(self, _mode: str, /) -> BinaryIO:
        """Return a stream of the content. Raises OSError."""
        return os.fdopen(os.open(self.resolved_path(), _READ), "rb")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith(os.sep) else folder + os.sep)


def list_folder(folder: str | os.PathLike[str], trusted: tuple[str, ...] = ()) -> list[DiskFile]:
    """Return the entries of a folder, unordered; links may lead into ``trusted`` folders.

    Raises OSError.
    """
    with os.scandir(folder) as entries:
        return [
            DiskFile(
                entry.name,
                entry.path,
                regular=entry.is_file(follow_symlinks=False),
                link=entry.is_symlink(),
                trusted=trusted,
            )
            for entry in entries
        ]


def wrap_resource(file: SourceFile, trusted: tuple[str, ...] = ()) -> SourceFile:
    """Return a package's file; a file on disk becomes a DiskFile, whose links are checked."""
    from pathlib import Path  # noqa: PLC0415 - only for a package

    if not isinstance(file, Path):
        return file
    link = file.is_symlink()
    regular = file.is_file() and not link
    return DiskFile(file.name, str(file), regular=regular, link=link, trusted=trusted)


def read_small(path: str, *, limit: int | None) -> bytes | None:
    """Return a file's content, or None if it is larger than ``limit`` bytes. Raises OSError."""
    file = os.open(path, _READ)
    try:
        # One read covers most migrations; a stat of each file would add up over many files.
        data = os.read(file, _SMALL_FILE_BYTES)
        if len(data) == _SMALL_FILE_BYTES and limit is not None and os.fstat(file).st_size > limit:
            return None
        while chunk := os.read(
            file, _CHUNK_BYTES
        ):  # a short read does not mean the end of the file
            data += chunk
        return data
    finally:
        os.close(file)


def read_unless_large(file: SourceFile) -> bytes | None:
    """Return a file's content, or None if it is too large to hold in memory. Raises OSError."""
    if isinstance(file, DiskFile):
        return read_small(file.resolved_path(), limit=LARGE_SCRIPT_BYTES)
    data = file.read_bytes()
    return None if len(data) > LARGE_SCRIPT_BYTES else data


def not_regular_reason(file: SourceFile) -> str | None:
    """Return why an entry is not a regular file, or None. A missing file also gives None.

    Raises OSError for a link that cannot be followed.
    """
    # Reading a missing file gives the system's own error, which is more precise.
    if file.is_file() or (isinstance(file, DiskFile) and not os.path.exists(file.path)):
        return None
    return "it is a folder" if file.is_dir() else "it is not a regular file"


def read_error_reason(file: SourceFile, error: OSError) -> str | None:
    """Return the reason why a file cannot be read, for a message."""
    listed = isinstance(file, DiskFile) and not file.link
    if listed and error.errno in _NOT_FOLLOWED:
        return "it became a link after the folder was listed"
    return error.strerror


def read_chunks(file: SourceFile) -> Iterator[bytes]:
    """Yield a file's content in chunks."""
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
