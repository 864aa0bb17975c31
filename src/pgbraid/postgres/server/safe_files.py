"""Opens files and folders so that no other user can redirect pgbraid to other ones.

The system resolves a path again at each use. A user who can write to a folder on the path can
change the target between two uses. So a folder is opened once, its files are named relative to
the open folder, and no link is followed there.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

__all__ = [
    "OpenFolder",
    "is_ours_alone",
    "is_safe_place",
    "name_of",
    "open_folder",
    "own_file",
    "read_end",
    "shown_user",
    "takes_lock",
    "writable_by_others",
]

_PRIVATE = 0o600
_MOST = 1 << 14
"""The most bytes to read of a file, as a hostile file may have any size."""


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """An open folder: it stays the same folder even if its path leads elsewhere later."""

    path: Path
    """The folder's path when it was opened, for messages and for the server's programs."""
    fd: int

    @property
    def cwd(self) -> Path:
        """Return a path to start a program in this folder, through the descriptor if possible."""
        opened = Path(f"/proc/self/fd/{self.fd}")
        return opened if opened.is_dir() else self.path

    def info(self) -> os.stat_result:
        """Return the folder's owner, mode and identity."""
        return os.fstat(self.fd)

    def names(self) -> set[str]:
        """Return the names of the folder's entries."""
        return set(os.listdir(self.fd))  # noqa: PTH208 - pathlib takes no open folder

    def look(self, name: str) -> os.stat_result | None:
        """Return the status of an entry, of a link itself and not its target; None if missing."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, name: str) -> str:
        """Return the beginning of a file; empty if it is missing or not a plain file."""
        return _read(name, self.fd)

    def open_own(self, name: str, flags: int) -> int:
        """Open a file that only we can read and write, created if missing.

        Raises EmbeddedError for a link, a file with several links, another kind of file, and a
        file of another user.
        """
        # Checked before and after: opening a device can have effects, and another user may
        # replace the file between the two.
        self._check_own(name, self.look(name))
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
                detail="pgbraid writes only to files that it created itself.",
                hint="Remove it, or name another folder with `embedded`.",
            )

    def unlink(self, name: str) -> None:
        """Remove an entry if it exists; of a link only the link itself."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    @contextmanager
    def child(self, name: str) -> Iterator[OpenFolder]:
        """Open a folder in this folder, which must not be a link. Raises OSError."""
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


@contextmanager
def own_file(place: OpenFolder, name: str, flags: int = os.O_RDWR) -> Iterator[int]:
    """Open a file as :meth:`OpenFolder.open_own` does, as long as the block lasts."""
    file = place.open_own(name, flags)
    try:
        yield file
    finally:
        os.close(file)


def takes_lock(file: int, kind: int) -> bool:
    """Take a lock of ``flock`` if it is free; return whether it was free."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_end(path: Path, start: int = 0) -> str:
    """Return the end of a file, from byte ``start`` at the earliest.

    The result is empty if the file is missing or not a plain file.
    """
    return _read(path, None, end_from=start)


def _read(name: str | Path, dir_fd: int | None, *, end_from: int | None = None) -> str:
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
        if end_from is not None:
            content.seek(max(end_from, info.st_size - _MOST))
        return content.read(_MOST).decode(errors="replace")


def writable_by_others(info: os.stat_result) -> bool:
    """Return whether users besides the owner may write; the group of this process is trusted."""
    mode = info.st_mode
    return bool(mode & stat.S_IWOTH or (mode & stat.S_IWGRP and info.st_gid != os.getegid()))


def is_ours_alone(folder: Path) -> bool:
    """Return whether only we and root can change a folder's contents and its path's target."""
    real = folder.resolve()
    try:
        return is_safe_place(real.parent) and _is_protected(real.lstat(), sticky=False)
    except OSError:
        return False


def is_safe_place(folder: Path) -> bool:
    """Return whether no other user can replace a file or folder that we create in this folder."""
    real = folder.resolve()
    return all(_is_protected(place.lstat(), sticky=True) for place in (real, *real.parents))


def _is_protected(info: os.stat_result, *, sticky: bool) -> bool:
    """Return whether a folder's owner is trusted, and no other user can replace our files in it."""
    # In a folder with the sticky bit, such as /tmp, only owners can rename or remove files.
    closed = not writable_by_others(info) or (sticky and bool(info.st_mode & stat.S_ISVTX))
    return closed and info.st_uid in {0, os.geteuid()}


def name_of(uid: int) -> str | None:
    """Return the name of a user, or None if the system has no name for the id."""
    import pwd  # noqa: PLC0415 - not on every platform

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def shown_user(uid: int) -> str:
    """Return the text for a user in messages."""
    return f"the user {name_of(uid) or uid}"
