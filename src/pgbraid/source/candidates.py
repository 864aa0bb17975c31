"""Finds the files of a folder that are migrations, and reads those in which nothing is odd.

The loader explains everything else. Each boot runs this for each file, so this module imports as
little as possible.
"""

from __future__ import annotations

import hashlib

from pgbraid.source.filenames import NearMiss, parse_file_name, parse_version
from pgbraid.source.files import list_folder, not_regular_reason, read_unless_large

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.source.filenames import FileName
    from pgbraid.source.files import SourceFile

__all__ = [
    "UTF16",
    "CandidateFile",
    "PlainFile",
    "content_if_plain",
    "is_unicode",
    "read_plain_files",
]

UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-16."""


class CandidateFile:
    """A file whose name is that of a migration or of a down file."""

    __slots__ = ("file", "name", "parts", "path", "version")

    def __init__(self, version: int, parts: FileName, file: SourceFile, path: str) -> None:
        self.version = version
        self.parts = parts
        self.file = file
        self.path = path
        self.name = file.name


class PlainFile:
    """A migration of a folder in which the loader finds no problem."""

    __slots__ = ("checksum", "name", "version")

    def __init__(self, version: int, name: str, checksum: str) -> None:
        self.version = version
        self.name = name
        self.checksum = checksum


def is_unicode(name: str) -> bool:
    """Whether a file name is valid Unicode; Python maps other bytes to lone surrogates."""
    return name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name)


def content_if_plain(file: SourceFile) -> bytes | None:
    """Return the content of a regular file that is UTF-8 without NUL, and not large; else None."""
    try:
        # Opening a pipe would block until another process writes to it.
        data = None if not_regular_reason(file) else read_unless_large(file)
        if data is None or b"\0" in data or data.startswith(UTF16):
            return None
        if not data.isascii():
            data.decode()
    except (OSError, UnicodeDecodeError):
        return None
    return data


def read_plain_files(folder: str, links: tuple[str, ...] = ()) -> list[PlainFile] | None:
    """Return the migrations of a folder by version, or None if the loader has more to look at.

    That is so for every problem and warning of the loader, for large files and for baselines.
    """
    try:
        files = list_folder(folder, links)
    except (OSError, ValueError):  # a name with NUL
        return None
    ups: dict[int, CandidateFile] = {}
    downs: dict[int, CandidateFile] = {}
    for file in files:
        parts = parse_file_name(file.name)
        if parts is None:
            continue
        version = None if isinstance(parts, NearMiss) else parse_version(parts.digits)
        if isinstance(parts, NearMiss) or version is None or not is_unicode(file.name):
            return None
        kind = ups if parts.kind == "up" else downs
        if version in kind:
            return None
        kind[version] = CandidateFile(version, parts, file, file.path)
    for version, down in downs.items():
        if version not in ups or ups[version].parts.name != down.parts.name:
            return None
        if content_if_plain(down.file) is None:
            return None
    return _read(ups)


def _read(ups: dict[int, CandidateFile]) -> list[PlainFile] | None:
    plain: list[PlainFile] = []
    for version in sorted(ups):
        data = content_if_plain(ups[version].file)
        if data is None or (b"replaces" in (lower := data.lower()) and b"pgbraid:" in lower):
            return None
        checksum = hashlib.sha256(data).hexdigest()
        plain.append(PlainFile(version, ups[version].parts.name, checksum))
    return plain
