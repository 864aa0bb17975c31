"""The private folder of a server: made, kept alive, removed, and swept where it was abandoned.

It belongs to us, also where the server runs as another user: that user gets folders in it
(``data``, ``run``) and can change nothing else. A FIFO in it tells who still needs the server:
those who do hold its write end, and the server's watcher reads from it. What it is, and which data
directory it serves, stands in a file that only we can write and that holds the folder's own inode
number, so that neither a copy nor a folder from an archive is taken for one.
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
from pgbraid.postgres.server.process import PATIENCE, SOCKET, is_listening, signals_blocked
from pgbraid.postgres.server.safe_files import OpenFolder, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pgbraid.postgres.server.os_user import ServerUser

__all__ = [
    "PREFIX",
    "PrivateFolder",
    "hold_server",
    "make_private",
    "private_folder",
    "remove_served",
    "sweep",
]

PREFIX = "pgbraid-embedded-"
"""What the names of private folders begin with."""
_ALIVE, _OWNER = "alive", "owner"
_FOLDERS, _FILES = ("data", "run", "template"), ("log", _ALIVE, _OWNER)
_ABANDONED = 600.0
"""Seconds after which a folder without our mark was abandoned while it was made."""


@dataclass(frozen=True, slots=True)
class PrivateFolder:
    """A private folder that this process has made, and both ends of its FIFO."""

    parent: OpenFolder
    folder: OpenFolder
    user: ServerUser
    reader: int
    writer: int

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.folder.path

    @property
    def sockets(self) -> Path:
        """The folder in it for the server's socket."""
        return self.path / "run"

    def make(self, name: str) -> Path:
        """Make a folder in it that belongs to the server's user, and return its path."""
        os.mkdir(name, 0o700, dir_fd=self.folder.fd)
        self.user.chown(name, dir_fd=self.folder.fd)
        return self.path / name

    def remove(self) -> None:
        """Remove it with all that it holds, and need its server no longer."""
        with signals_blocked():
            _remove(self.parent, self.folder, self.user)
            self.close()

    def close(self) -> None:
        """Need its server no longer."""
        for file in (self.reader, self.writer, self.folder.fd, self.parent.fd):
            os.close(file)


def make_private(
    place: Path | OpenFolder, user: ServerUser, serves: os.stat_result | None = None
) -> PrivateFolder:
    """Make a private folder; where it serves a lasting data directory, that one is named in it.

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

        def kept(file: int) -> int:
            undo.callback(os.close, file)
            return file

        if isinstance(place, OpenFolder):
            parent = OpenFolder(place.path, kept(os.dup(place.fd)))
        else:
            parent = OpenFolder(place, kept(os.open(place, os.O_RDONLY | os.O_DIRECTORY)))
        name = f"{PREFIX}{secrets.token_hex(4)}"
        os.mkdir(name, 0o700, dir_fd=parent.fd)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        folder = OpenFolder(parent.path / name, kept(os.open(name, flags, dir_fd=parent.fd)))
        info = folder.info()
        if info.st_uid != os.geteuid() or info.st_mode & 0o077 or folder.names():
            raise EmbeddedError(f"the folder {folder.path} was replaced while it was made")
        undo.callback(_remove, parent, folder, user)
        _make_fifo(folder)
        reader = kept(os.open(_ALIVE, os.O_RDONLY | os.O_NONBLOCK, dir_fd=folder.fd))
        writer = kept(os.open(_ALIVE, os.O_WRONLY, dir_fd=folder.fd))
        os.set_blocking(reader, True)
        with os.fdopen(folder.open_own(_OWNER, os.O_WRONLY), "w") as mark:
            mark.write(f"{info.st_ino}\n{_identity(serves) if serves else ''}\n")
        if user.ids is not None:
            os.fchmod(folder.fd, 0o711)  # the server's user has to pass, and no more
        undo.pop_all()
    return PrivateFolder(parent, folder, user, reader, writer)


def _make_fifo(folder: OpenFolder) -> None:
    if os.mkfifo in os.supports_dir_fd:
        os.mkfifo(_ALIVE, 0o600, dir_fd=folder.fd)
    else:  # an older macOS
        os.mkfifo(folder.path / _ALIVE, 0o600)


@contextmanager
def private_folder(place: Path | OpenFolder, user: ServerUser) -> Iterator[PrivateFolder]:
    """Make a private folder, and remove it at the end of the block."""
    made: PrivateFolder | None = None
    try:
        with signals_blocked():
            made = make_private(place, user)
        yield made
    finally:
        if made is not None:
            made.remove()


def _identity(info: os.stat_result) -> str:
    return f"{info.st_dev}:{info.st_ino}"


def _remove(parent: OpenFolder, folder: OpenFolder, user: ServerUser) -> None:
    """Remove a private folder, by the names of what it holds.

    Where something else is in it, or still being written to it, its mark stays, so that a later
    sweep goes on.
    """
    _remove_folders(folder, user)
    if any(folder.look(name) for name in _FOLDERS):
        return
    with suppress(OSError):
        for name in _FILES:
            folder.unlink(name)
        info = parent.look(folder.path.name)
        if info is not None and os.path.samestat(info, folder.info()):
            os.rmdir(folder.path.name, dir_fd=parent.fd)


def _remove_folders(folder: OpenFolder, user: ServerUser) -> None:
    """Remove the folders in a private one.

    What a throw-away server has goes whole; of the folder of a lasting one's socket only the
    socket and its lock go. What belongs to the server's user goes as that user: nothing that a
    hostile process of that user puts there can lead to what that user could not have removed.
    """
    whole = folder.look("data") is not None
    with suppress(OSError), folder.child("run") as run:
        for name in (SOCKET, f"{SOCKET}.lock"):
            run.unlink(name)
    theirs = []
    for name in _FOLDERS:
        info = folder.look(name)
        if info is None or not stat.S_ISDIR(info.st_mode) or _is_removed(folder, name):
            continue
        if info.st_uid != os.geteuid():
            theirs.append(name)
        elif whole or name != "run":
            shutil.rmtree(name, ignore_errors=True, dir_fd=folder.fd)
    if whole and theirs:
        _empty_as(user, folder, theirs)
        for name in theirs:
            _is_removed(folder, name)


def _is_removed(folder: OpenFolder, name: str) -> bool:
    """Remove a folder, if it is empty; whether it was."""
    try:
        os.rmdir(name, dir_fd=folder.fd)
    except OSError:
        return False
    return True


def _empty_as(user: ServerUser, folder: OpenFolder, names: list[str]) -> None:
    """Empty folders as the server's user, who cannot remove the folders themselves."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603
            ["rm", "-rf", "--", *names],  # noqa: S607 - every system has one
            cwd=folder.cwd,
            check=False,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            **user.popen(),
        )


def hold_server(sockets: Path, data: os.stat_result) -> int | None:
    """Take part in keeping a server of ours alive, as long as the file returned is open.

    None where the folder of its socket is not a private folder of ours, where that does not serve
    this data directory, or where its watcher is gone.
    """
    with suppress(OSError), open_folder(sockets.parent) as folder:
        if sockets.name == "run" and _mark_of(folder) == _identity(data):
            return _write_end(folder)
    return None


def remove_served(sockets: Path, data: os.stat_result, user: ServerUser) -> None:
    """Remove the private folder of a lasting server that has ended."""
    base = sockets.parent
    with (
        suppress(OSError),
        open_folder(base.parent, follow=True) as parent,
        parent.child(base.name) as folder,
    ):
        if _mark_of(folder) == _identity(data):
            _remove(parent, folder, user)


def _mark_of(folder: OpenFolder) -> str | None:
    """Return what a private folder of ours serves; None where it is none of ours."""
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
    """Open the FIFO for writing; None where no process reads from it."""
    info = folder.look(_ALIVE)
    if info is None or not stat.S_ISFIFO(info.st_mode):
        return None
    try:
        return os.open(_ALIVE, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=folder.fd)
    except OSError:
        return None


def sweep(parents: Iterable[Path], user: ServerUser) -> None:
    """Remove the private folders that processes left which were killed.

    Nothing is signalled: a server whose watcher was killed, too, ends by itself within a minute
    when its data directory is gone.
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
    """Whether a folder is ours, holds what we expect, and no process needs it any more."""
    if not _may_be_ours(folder) or not folder.names() <= {*_FOLDERS, *_FILES}:
        return False
    serves = _mark_of(folder)
    if serves is None:
        unmarked = folder.names() <= {_ALIVE, _OWNER}
        return unmarked and time.time() - folder.info().st_ctime > _ABANDONED
    file = _write_end(folder)
    if file is not None:
        os.close(file)
        return False
    return not (serves and is_listening(folder.path / "run"))
