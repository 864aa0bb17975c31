"""A persistent server that stays until it is stopped, for psql and for applications.

The process that runs it is one more user of the folder's server, so ``up --embedded`` joins it and
does not stop it. ``stop_server`` signals no process: it writes to a file of the folder that the
staying processes read, and whose lock shows that they have left.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.data_dir import fits_socket
from pgbraid.postgres.server.os_user import server_user
from pgbraid.postgres.server.persistent import persistent_server, server_folder
from pgbraid.postgres.server.process import SERVER_TIMEOUT
from pgbraid.postgres.server.running_server import is_running, join_server
from pgbraid.postgres.server.safe_files import own_file, takes_lock
from pgbraid.postgres.server.tcp_access import HOST, port_of, read_password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.postgres.server.os_user import ServerUser
    from pgbraid.postgres.server.safe_files import OpenFolder

if sys.platform != "win32":
    import fcntl

__all__ = ["StayingServer", "find_server", "is_staying", "staying_server", "stop_server"]

_STAY, _LINK = "pgbraid.stay", "pgbraid.socket"
_STOP = b"stop\n"
_POLL = 0.1
"""Seconds between two looks for a request to stop."""
_LEAVING = SERVER_TIMEOUT + 10.0
"""Seconds to wait for the processes that were requested to stop."""


@dataclass(frozen=True, slots=True)
class StayingServer:
    """A running server of a folder, and its URL."""

    url: str
    folder: Path
    version: str
    """Such as ``18.6``; only the major version if pgbraid did not start or join the server."""
    port: int | None = None
    """The port on 127.0.0.1, or None without TCP."""


@contextmanager
def staying_server(
    folder: Path, *, programs: str | None, cache: Path | None, port: int | None
) -> Iterator[tuple[StayingServer, Callable[[], bool]]]:
    """Start or join a folder's server; yield it, and a function that waits for a request to stop.

    The function waits a tenth of a second, and returns whether :func:`stop_server` was called. It
    raises EmbeddedError if the server has ended by itself. The last process that uses the server
    stops it, when its block ends. Raises EmbeddedError as ``persistent_server`` does.
    """
    if sys.platform == "win32":
        raise EmbeddedError("the embedded server needs Unix sockets, which this system lacks")
    user = server_user()
    with server_folder(folder.absolute()) as place, own_file(place, _STAY) as mark:
        try:
            with persistent_server(folder, programs, user, cache, port) as (conninfo, used):
                _stay(mark)
                _link(place, conninfo)
                listens = port_of(conninfo)
                url = _url(place, conninfo, listens)
                yield (
                    StayingServer(url, place.path, used.version, listens),
                    lambda: _stop_requested(place, mark, user),
                )
        finally:
            _unlink(place)


def _stay(mark: int) -> None:
    """Mark the folder's server as staying, until the file is closed.

    Waits for staying processes that were requested to stop, so that the request is not for us.
    """
    deadline = time.monotonic() + _LEAVING
    while True:
        if takes_lock(mark, fcntl.LOCK_EX):
            os.ftruncate(mark, 0)
            os.pwrite(mark, f"{os.getpid()}\n".encode(), 0)
        if os.pread(mark, len(_STOP), 0) != _STOP and takes_lock(mark, fcntl.LOCK_SH):
            return
        if time.monotonic() > deadline:
            raise EmbeddedError(
                "another process is stopping the server of this folder, and does not end",
                hint="Find out why it is stuck, end it, and run `pgbraid server` again.",
            )
        time.sleep(_POLL)


def _stop_requested(place: OpenFolder, mark: int, user: ServerUser) -> bool:
    if os.pread(mark, len(_STOP), 0) == _STOP:
        return True
    with place.child("data") as data:
        if not is_running(data, user):
            raise EmbeddedError(
                f"the server of {place.path} has ended",
                detail="It crashed, or another program stopped it.",
                hint=f"Read {place.path / 'postgres.log'}, then run `pgbraid server` again.",
            )
    time.sleep(_POLL)
    return False


def _sockets(conninfo: str) -> Path:
    return Path(str(conninfo_to_dict(conninfo)["host"]))


def _link(place: OpenFolder, conninfo: str) -> None:
    """Make a link to the socket's folder, which has another name each time the server starts."""
    fresh = f".{_LINK}-{os.getpid()}"
    with suppress(OSError):  # then the URL names the folder itself
        place.unlink(fresh)
        os.symlink(_sockets(conninfo), fresh, dir_fd=place.fd)
        os.rename(fresh, _LINK, src_dir_fd=place.fd, dst_dir_fd=place.fd)


def _unlink(place: OpenFolder) -> None:
    """Remove the link if its target is gone: the server has ended."""
    with suppress(OSError):
        if not Path(os.readlink(_LINK, dir_fd=place.fd)).exists():
            place.unlink(_LINK)


def _url(place: OpenFolder, conninfo: str, port: int | None) -> str:
    """Return the URL of the database postgres, the one of ``up --embedded``."""
    if port is not None:
        password = quote(read_password(place), safe="")
        return f"postgresql://postgres:{password}@{HOST}:{port}/postgres"
    sockets, link = _sockets(conninfo), place.path / _LINK
    with suppress(OSError):
        if fits_socket(link) and Path(os.readlink(_LINK, dir_fd=place.fd)) == sockets:
            sockets = link
    number = conninfo_to_dict(conninfo)["port"]  # part of the socket's name
    return f"postgresql://postgres@/postgres?host={quote(str(sockets))}&port={number}"


def find_server(folder: Path) -> StayingServer | None:
    """Return the running server of a folder, or None; start nothing.

    Raises EmbeddedError if the folder is not one of pgbraid's, or its server cannot be reached.
    """
    if not (folder / "data").is_dir():
        return None  # nothing is opened: that would mark the folder as one of ours
    user = server_user()
    with server_folder(folder.absolute()) as place:
        if place.look("data") is None:
            return None
        with place.child("data") as data:
            running = join_server(data, user)
            if running is None:
                return None
            try:
                version = data.read("PG_VERSION").strip()
                listens = port_of(running.conninfo)
                url = _url(place, running.conninfo, listens)
                return StayingServer(url, place.path, version, listens)
            finally:
                if running.held is not None:
                    os.close(running.held)


def is_staying(folder: Path) -> bool:
    """Return whether a process lets the folder's server stay. Raises EmbeddedError."""
    if not (folder / _STAY).exists():
        return False
    with server_folder(folder.absolute()) as place, own_file(place, _STAY) as mark:
        return not takes_lock(mark, fcntl.LOCK_EX)


def stop_server(folder: Path) -> bool:
    """Let the processes leave that let the folder's server stay, and wait until they have.

    The server ends with the last process that uses it, which may be an ``up --embedded``. Return
    False if no process lets it stay. Raises EmbeddedError if they do not leave.
    """
    if not (folder / _STAY).exists():
        return False
    deadline = time.monotonic() + _LEAVING
    with server_folder(folder.absolute()) as place, own_file(place, _STAY) as mark:
        if takes_lock(mark, fcntl.LOCK_EX):
            return False
        os.ftruncate(mark, 0)
        os.pwrite(mark, _STOP, 0)
        while not takes_lock(mark, fcntl.LOCK_EX):
            if os.pread(mark, len(_STOP), 0) != _STOP:
                return True  # they have left, and another process has started to stay
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"the server of {place.path} did not stop",
                    hint=f"Read {place.path / 'postgres.log'}; end the processes that use it, and "
                    f"run `pgbraid server {place.path} --stop` again.",
                )
            time.sleep(_POLL / 2)
        os.ftruncate(mark, 0)
    return True
