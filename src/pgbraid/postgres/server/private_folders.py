"""Creates and removes the private folder of a server, also after its process was killed.

The folder belongs to us even if the server runs as another user. That user owns only the folders
``data`` and ``run`` in it. The processes that use the server hold the write end of a FIFO in the
folder, and the server's watcher reads from it. A mark, a file that only we can write, names the
served data directory and holds the folder's own inode number. So neither a copy nor a folder from
an archive is treated as a private folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.process import (
    SERVER_TIMEOUT,
    is_listening,
    signals_blocked,
    socket_names,
)
from pgbraid.postgres.server.safe_files import OpenFolder, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.postgres.server.os_user import ServerUser

__all__ = [
    "PREFIX",
    "PrivateFolder",
    "hold_server",
    "hold_temporary",
    "make_private",
    "private_folder",
    "remove_served",
    "sweep",
]

PREFIX = "pgbraid-embedded-"
"""The prefix of the names of private folders."""
_ALIVE, _OWNER = "alive", "owner"
_HBA = "hba"
_FOLDERS, _FILES = ("data", "run", "template"), ("log", _ALIVE, _OWNER, _HBA)
_ABANDONED = 600.0
"""Seconds after which a folder without a mark counts as abandoned during its creation."""


@dataclass(frozen=True, slots=True)
class PrivateFolder:
    """A private folder that this process created, and both ends of its FIFO."""

    parent: OpenFolder
    folder: OpenFolder
    user: ServerUser
    reader: int
    writer: int

    @property
    def path(self) -> Path:
        """The path of the folder."""
        return self.folder.path

    @property
    def sockets(self) -> Path:
        """The path of the folder for the server's socket."""
        return self.path / "run"

    def make(self, name: str) -> Path:
        """Create a folder in it that belongs to the server's user, and return its path."""
        os.mkdir(name, 0o700, dir_fd=self.folder.fd)
        self.user.chown(name, dir_fd=self.folder.fd)
        return self.path / name

    def write_hba(self, text: str) -> Path:
        """Write the file of client authentication, which the server's user may read; its path."""
        with os.fdopen(self.folder.open_own(_HBA, os.O_WRONLY), "w") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        return self.path / _HBA

    def remove(self) -> None:
        """Remove the folder with its contents, and stop using its server."""
        with signals_blocked():
            _remove(self.parent, self.folder, self.user)
            self.close()

    def close(self) -> None:
        """Close the FIFO, to stop using its server."""
        for file in (self.reader, self.writer, self.folder.fd, self.parent.fd):
            os.close(file)


def make_private(
    place: Path | OpenFolder, user: ServerUser, serves: os.stat_result | None = None
) -> PrivateFolder:
    """Create a private folder, and record the persistent data directory that it ``serves``.

    Raises EmbeddedError.
    """
    try:
        return _make(place, user, serves)
    except OSError as error:
        where = place if isinstance(place, Path) else place.path
        raise EmbeddedError(
            f"cannot make a folder for the server in {where}: {error.strerror}",
            hint="Set TMPDIR to a folder that you can write to.",
        ) from None


def _make(
    place: Path | OpenFolder, user: ServerUser, serves: os.stat_result | None
) -> PrivateFolder:
    with ExitStack() as undo:

        def closed_on_error(file: int) -> int:
            undo.callback(os.close, file)
            return file

        if isinstance(place, OpenFolder):
            parent = OpenFolder(place.path, closed_on_error(os.dup(place.fd)))
        else:
            fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
            parent = OpenFolder(place, closed_on_error(fd))
        name = f"{PREFIX}{secrets.token_hex(4)}"
        os.mkdir(name, 0o700, dir_fd=parent.fd)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        fd = os.open(name, flags, dir_fd=parent.fd)
        folder = OpenFolder(parent.path / name, closed_on_error(fd))
        info = folder.info()
        if info.st_uid != os.geteuid() or info.st_mode & 0o077 or folder.names():
            raise EmbeddedError(f"the folder {folder.path} was replaced while it was created")
        undo.callback(_remove, parent, folder, user)
        _make_fifo(folder)
        # The reader is opened first, and without blocking: each end of a FIFO waits for the other.
        reader = closed_on_error(os.open(_ALIVE, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder.fd))
        writer = closed_on_error(os.open(_ALIVE, os.O_WRONLY, dir_fd=folder.fd))
        os.set_blocking(reader, True)
        with os.fdopen(folder.open_own(_OWNER, os.O_WRONLY), "w") as mark:
            mark.write(f"{info.st_ino}\n{_identity(serves) if serves else ''}\n")
        if user.ids is not None:
            os.fchmod(folder.fd, 0o711)  # the server's user can enter it, but not list it
        undo.pop_all()
    return PrivateFolder(parent, folder, user, reader, writer)


def _make_fifo(folder: OpenFolder) -> None:
    if os.mkfifo in os.supports_dir_fd:
        os.mkfifo(_ALIVE, 0o600, dir_fd=folder.fd)
    else:  # macOS before 13
        os.mkfifo(folder.path / _ALIVE, 0o600)


@contextmanager
def private_folder(place: Path | OpenFolder, user: ServerUser) -> Iterator[PrivateFolder]:
    """Create a private folder, and remove it at the end of the block.

    A forked child that leaves the block leaves the folder to its parent.
    """
    ours = os.getpid()
    made: PrivateFolder | None = None
    try:
        with signals_blocked():
            made = make_private(place, user)
        yield made
    finally:
        if made is not None and os.getpid() == ours:
            made.remove()


def _identity(info: os.stat_result) -> str:
    return f"{info.st_dev}:{info.st_ino}"


def _remove(parent: OpenFolder, folder: OpenFolder, user: ServerUser) -> None:
    """Remove a private folder and the entries that pgbraid creates in it."""
    _remove_folders(folder, user)
    # If a folder could not be removed, the mark stays, so that a later sweep tries again.
    if any(folder.look(name) for name in _FOLDERS):
        return
    with suppress(OSError):
        for name in _FILES:
            folder.unlink(name)
        info = parent.look(folder.path.name)
        if info is not None and os.path.samestat(info, folder.info()):
            os.rmdir(folder.path.name, dir_fd=parent.fd)


def _remove_folders(folder: OpenFolder, user: ServerUser) -> None:
    """Remove the folders in a private folder.

    Remove all of a temporary server's files. In the socket folder of a persistent server, remove
    only the socket and its lock. Files of the server's user are removed by a process of that
    user: a link that a hostile process of that user creates cannot lead to files of others.
    """
    temporary = folder.look("data") is not None
    with suppress(OSError), folder.child("run") as run:
        for name in socket_names(run.names()):
            run.unlink(name)
    theirs = []
    for name in _FOLDERS:
        info = folder.look(name)
        if info is None or not stat.S_ISDIR(info.st_mode) or _is_removed(folder, name):
            continue
        if info.st_uid != os.geteuid():
            theirs.append(name)
        elif temporary or name != "run":
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder.fd)
    if temporary and theirs:
        _empty_as(user, folder, theirs)
        for name in theirs:
            _is_removed(folder, name)


def _is_removed(folder: OpenFolder, name: str) -> bool:
    """Remove a folder if it is empty; return whether it was."""
    try:
        os.rmdir(name, dir_fd=folder.fd)
    except OSError:
        return False
    return True


def _empty_as(user: ServerUser, folder: OpenFolder, names: list[str]) -> None:
    """Remove the contents of folders as the server's user, who cannot remove the folders."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603 - a program found by us
            ["rm", "-rf", "--", *names],  # noqa: S607 - every system has one
            cwd=folder.cwd,
            check=False,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SERVER_TIMEOUT,
            **user.popen(),
        )


def hold_server(sockets: Path, data: os.stat_result) -> int | None:
    """Keep a server of ours alive as long as the returned file is open.

    Return None if the folder of the socket is not a private folder of ours, if it serves another
    data directory, or if the server's watcher has ended.
    """
    with suppress(OSError), open_folder(sockets.parent) as folder:
        if sockets.name == "run" and _mark_of(folder) == _identity(data):
            return _write_end(folder)
    return None


def hold_temporary(base: Path) -> int | None:
    """Keep the temporary server of a private folder alive as long as the returned file is open.

    Return None if the folder is not a private folder of ours, or if the server's watcher has ended.
    """
    with suppress(OSError), open_folder(base) as folder:
        if _mark_of(folder) == "":
            return _write_end(folder)
    return None


def remove_served(sockets: Path, data: os.stat_result, user: ServerUser) -> None:
    """Remove the private folder of a persistent server that has ended."""
    base = sockets.parent
    with (
        suppress(OSError),
        open_folder(base.parent, follow=True) as parent,
        parent.child(base.name) as folder,
    ):
        if _mark_of(folder) == _identity(data):
            _remove(parent, folder, user)


def _mark_of(folder: OpenFolder) -> str | None:
    """Return the identity of the served data directory; None if the folder is not ours."""
    info = folder.info()
    if not _may_be_ours(folder):
        return None
    inode, _, serves = folder.read(_OWNER).partition("\n")
    return serves.strip() if inode == str(info.st_ino) else None


def _may_be_ours(folder: OpenFolder) -> bool:
    info = folder.info()
    ours = info.st_uid == os.geteuid() and not info.st_mode & 0o022
    return ours and folder.path.name.startswith(PREFIX)


def _write_end(folder: OpenFolder) -> int | None:
    """Open the FIFO for writing; return None if no process reads from it."""
    info = folder.look(_ALIVE)
    if info is None or not stat.S_ISFIFO(info.st_mode):
        return None
    try:
        return os.open(_ALIVE, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=folder.fd)
    except OSError:
        return None


def sweep(parents: Iterable[Path], user: ServerUser) -> None:
    """Remove the private folders of killed processes.

    No process is signalled: if a server's watcher was killed, too, the server ends by itself
    within a minute after its data directory is removed.
    """
    for place in set(parents):
        with suppress(OSError), open_folder(place, follow=True) as parent:
            for name in parent.names():
                if name.startswith(PREFIX):
                    _sweep_one(parent, name, user)


def _sweep_one(parent: OpenFolder, name: str, user: ServerUser) -> None:
    with suppress(OSError), parent.child(name) as folder:
        if _is_abandoned(folder):
            _remove(parent, folder, user)


def _is_abandoned(folder: OpenFolder) -> bool:
    """Return whether a folder is ours, has only expected entries, and is used by no process."""
    if not _may_be_ours(folder) or not folder.names() <= {*_FOLDERS, *_FILES}:
        return False
    serves = _mark_of(folder)
    if serves is None:
        unmarked = folder.names() <= {_ALIVE, _OWNER}
        return unmarked and time.time() - folder.info().st_ctime > _ABANDONED
    # The watcher reads from the FIFO as long as the server runs.
    file = _write_end(folder)
    if file is not None:
        os.close(file)
        return False
    return not (serves and is_listening(folder.path / "run"))
