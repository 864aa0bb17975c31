"""Files and folders opened so that no other user can lead us to other ones.

A path is looked up again each time it is used, and a user who may write to a folder on the way
decides what it leads to. So a folder is opened once, what is in it is named relative to it, and no
link is followed there.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "OpenFolder",
    "is_ours_alone",
    "is_safe_place",
    "name_of",
    "open_folder",
    "read_end",
    "shown_user",
    "writable_by_others",
]

_PRIVATE = 0o600
_MOST = 1 << 14
"""Bytes of a file that are read at most; a hostile one may be of any size."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A folder that stays the same one, whatever its path leads to later."""

    path: Path
    """Where it was when it was opened, for messages and for the programs of the server."""
    fd: int

    @property
    def cwd(self) -> Path:
        """Return a path by which a program can be started in it, the same folder if possible."""
        opened = Path(f"/proc/self/fd/{self.fd}")
        return opened if opened.is_dir() else self.path

    def info(self) -> os.stat_result:
        """Return its owner, mode and identity."""
        return os.fstat(self.fd)

    def names(self) -> set[str]:
        """Return the names of what is in it."""
        return set(os.listdir(self.fd))  # noqa: PTH208 - pathlib takes no open folder

    def look(self, name: str) -> os.stat_result | None:
        """Return what a name in it is, a link itself and not its target; None for nothing."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, name: str) -> str:
        """Return the begin of a file in it; what is no plain file, or not there, is empty."""
        return _read(name, self.fd, from_end=False)

    def open_own(self, name: str, flags: int) -> int:
        """Open a file in it, made where it is not there, that is private and ours alone.

        Raises EmbeddedError for a link, for a file with several links, for what is no file and
        for one of another user's. It is looked at first, as opening a device can do something.
        """
        there = self.look(name)
        self._check_own(name, there)
        flags |= os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(name, flags, _PRIVATE, dir_fd=self.fd)
        info = os.fstat(file)
        try:
            self._check_own(name, info)
            if stat.S_IMODE(info.st_mode) != _PRIVATE:
                os.fchmod(file, _PRIVATE)
        except BaseException:
            os.close(file)
            raise
        return file

    def _check_own(self, name: str, info: os.stat_result | None) -> None:
        if info is None:
            return
        fault = None
        if not stat.S_ISREG(info.st_mode):
            fault = "is a link" if stat.S_ISLNK(info.st_mode) else "is no plain file"
        elif info.st_uid != os.geteuid():
            fault = f"belongs to {shown_user(info.st_uid)}"
        elif info.st_nlink != 1:
            fault = "has more than one name (a hard link)"
        if fault is not None:
            raise EmbeddedError(
                f"{self.path / name} {fault}",
                detail="pgbraid writes to files that it has made itself, and to no others.",
                hint="Remove it, or name another folder with `embedded`.",
            )

    def unlink(self, name: str) -> None:
        """Remove a name in it, if it is there; what a link leads to is left alone."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    @contextmanager
    def child(self, name: str) -> Iterator[OpenFolder]:
        """Open a folder in it, which must not be a link. Raises OSError."""
        with open_folder(self.path / name, name, dir_fd=self.fd) as opened:
            yield opened


@contextmanager
def open_folder(
    path: Path, name: str | None = None, *, dir_fd: int | None = None, follow: bool = False
) -> Iterator[OpenFolder]:
    """Open a folder as long as the block lasts. Raises OSError, also for a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    fd = os.open(path if name is None else name, flags, dir_fd=dir_fd)
    try:
        yield OpenFolder(path, fd)
    finally:
        os.close(fd)


def read_end(path: Path) -> str:
    """Return the end of a file; what is no plain file, or not there, is empty."""
    return _read(path, None, from_end=True)


def _read(name: str | Path, dir_fd: int | None, *, from_end: bool) -> str:
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode):
            return ""
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=dir_fd)
    except OSError:
        return ""
    with os.fdopen(file, "rb") as content:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            return ""
        if from_end:
            content.seek(max(0, info.st_size - _MOST))
        return content.read(_MOST).decode(errors="replace")


def writable_by_others(info: os.stat_result) -> bool:
    """Whether users beside the owner may write; our own group counts as ours."""
    mode = info.st_mode
    return bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and info.st_gid != os.getegid()))


def is_ours_alone(folder: Path) -> bool:
    """Whether only we and root decide what a folder holds, and what its path leads to."""
    real = folder.resolve()
    try:
        return is_safe_place(real.parent) and _is_kept(real.lstat(), sticky=False)
    except OSError:
        return False


def is_safe_place(folder: Path) -> bool:
    """Whether what we make in a folder stays what it is: no other user can replace it."""
    real = folder.resolve()
    return all(_is_kept(place.lstat(), sticky=True) for place in (real, *real.parents))


def _is_kept(info: os.stat_result, *, sticky: bool) -> bool:
    """Whether a folder's owner is trusted and no other user can replace what is ours in it."""
    closed = not writable_by_others(info) or (sticky and bool(info.st_mode & stat.S_ISVTX))
    return closed and info.st_uid in {0, os.geteuid()}


def name_of(uid: int) -> str | None:
    """Return the name of a user, or None for a number that the system has no name for."""
    import pwd  # noqa: PLC0415 - not on every platform

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def shown_user(uid: int) -> str:
    """Return how a message names a user."""
    return f"the user {name_of(uid) or uid}"
