"""Runs an embedded server whose data persist in a folder; concurrent processes share it."""

from __future__ import annotations

import os
import re
import signal
import stat
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.binaries import ServerBinaries, find_programs
from pgbraid.postgres.server.data_dir import fresh_data, private_places, short_folder
from pgbraid.postgres.server.os_user import ServerUser, reachable_programs
from pgbraid.postgres.server.private_folders import (
    PREFIX,
    make_private,
    private_folder,
    remove_served,
    sweep,
)
from pgbraid.postgres.server.process import (
    POLL,
    PORT,
    Start,
    await_ready,
    conninfo_of,
    has_ended,
    is_data_in_use,
    signals_blocked,
    start_server,
)
from pgbraid.postgres.server.running_server import Running, await_end, clear_stale, join_server
from pgbraid.postgres.server.safe_files import (
    open_folder,
    own_file,
    shown_user,
    takes_lock,
    writable_by_others,
)
from pgbraid.postgres.server.tcp_access import (
    check_free,
    port_of,
    read_password,
    set_password,
    tcp_options,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from pgbraid.postgres.server.safe_files import OpenFolder

if sys.platform != "win32":
    import fcntl

__all__ = ["persistent_server", "server_folder"]

_LOCK, _USERS, _LOG = "pgbraid.lock", "pgbraid.users", "postgres.log"
_NAMES = "lock|users|stay|socket|password"
_OURS = re.compile(rf"pgbraid\.(?:{_NAMES})|{_LOG}|data|{PREFIX}.*|\..*", re.DOTALL)
_ANOTHER = "Name another folder with `embedded`."
_TURN = 90.0
"""Seconds to wait for the lock of a folder, which is held while a server starts or stops."""
_LEAVING = 10.0
"""Seconds to wait for that lock at the end, where no signal can interrupt the wait."""
_ENDING = 65.0
"""Seconds to wait for the processes that a killed server left on the data.

The autovacuum launcher of a server that is killed right after its start (seen on 14) notices that
only when it wakes up, after autovacuum_naptime, which is a minute.
"""
_PAUSE = 0.1
"""Seconds between two attempts to start the server."""
_ABOVE = 20
"""The lowest file descriptor to pass on through a shell, which uses lower ones itself."""


@dataclass(frozen=True, slots=True)
class _Server:
    """The server of a folder, as this process uses it."""

    running: Running
    programs: ServerBinaries
    process: subprocess.Popen[bytes] | None = None
    """The server's process, if this process started it."""


@contextmanager
def persistent_server(
    folder: Path,
    named: str | None,
    user: ServerUser,
    cache: Path | None,
    port: int | None = None,
) -> Iterator[tuple[str, ServerBinaries]]:
    """Start the folder's server or join it; yield its connection string and binaries.

    The last process to leave stops the server. A server that another program started on the data
    is joined, too, but not stopped. With ``port`` the server also listens on that port of
    127.0.0.1, and requires the folder's password there. A forked child that leaves the block
    leaves the server to its parent. Raises EmbeddedError if the folder belongs to another user or
    program, or cannot be used, and if its server runs without the port.
    """
    ours = os.getpid()
    with server_folder(folder.absolute()) as place, own_file(place, _USERS) as users:
        with _locked(place, _TURN):
            try:
                server = _join_or_start(place, named, user, cache, port)
            except OSError as error:
                raise _unusable(place.path, error) from None
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield server.running.conninfo, server.programs
        finally:
            if os.getpid() == ours:
                with signals_blocked():
                    _leave(place, users, server, user)


@contextmanager
def server_folder(folder: Path) -> Iterator[OpenFolder]:
    """Open the folder, created if only it is missing. Raises EmbeddedError if it is not ours."""
    with ExitStack() as stack:
        try:
            if folder.exists() and not folder.is_dir():
                raise EmbeddedError(f"{folder} is a file", hint=_ANOTHER)
            folder.mkdir(mode=0o755, exist_ok=True)
            place = stack.enter_context(open_folder(folder, follow=True))
            _check(place)
            with own_file(place, _LOCK):
                pass  # from now on the lock file marks the folder as ours
        except OSError as error:
            raise _unusable(folder, error) from None
        yield place


def _unusable(folder: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(f"cannot use the folder {folder}: {error.strerror}", hint=_ANOTHER)


def _check(place: OpenFolder) -> None:
    """Raise EmbeddedError for other files, another owner, or write access by other users."""
    names, info = place.names(), place.info()
    if names and not (_LOCK in names and all(_OURS.fullmatch(name) for name in names)):
        raise _other_files(place)
    if info.st_uid not in {0, os.geteuid()}:
        raise EmbeddedError(
            f"{place.path} belongs to {shown_user(info.st_uid)}",
            hint="Run pgbraid as that user, or name another folder with `embedded`.",
        )
    if writable_by_others(info):
        raise EmbeddedError(
            f"other users can change the contents of {place.path}",
            hint=f"Close it with `chmod go-w {place.path}`, or name another folder with "
            "`embedded`, such as a new one in it.",
        )


def _other_files(place: OpenFolder) -> EmbeddedError:
    return EmbeddedError(
        f"{place.path} contains files that do not belong to an embedded server",
        hint="Name an empty folder, or one that does not exist, with `embedded`.",
    )


@contextmanager
def _locked(place: OpenFolder, timeout: float) -> Iterator[None]:
    """Lock the folder as long as the block lasts. Raises EmbeddedError after the timeout."""
    deadline = time.monotonic() + timeout
    with own_file(place, _LOCK) as file:
        while not takes_lock(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise _still_locked(place, timeout)
            # A short pause: a server should be joined before its first user stops it.
            time.sleep(POLL)
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        yield


def _still_locked(place: OpenFolder, waited: float) -> EmbeddedError:
    holder = place.read(_LOCK).strip()
    number = f" {holder}" if re.fullmatch("[0-9]{1,9}", holder) else ""
    return EmbeddedError(
        f"another process{number} has held the lock {place.path / _LOCK} for {waited:g} s",
        detail="A pgbraid process holds it only while it starts or stops the folder's server.",
        hint="Find out why that process is stuck, end it, and run the command again.",
    )


def _is_used(place: OpenFolder) -> bool:
    """Return whether another process uses the folder's server; hold no lock of our own."""
    with own_file(place, _USERS) as file:
        return not takes_lock(file, fcntl.LOCK_EX)


def _join_or_start(
    place: OpenFolder, named: str | None, user: ServerUser, cache: Path | None, port: int | None
) -> _Server:
    """Return the folder's server. Raises EmbeddedError and OSError."""
    major = _major(place, user)
    programs = reachable_programs(find_programs(named, major=major), user)
    if major is None:
        # The data directory is renamed when it is complete, so a killed process leaves none
        # that looks complete.
        with private_folder(place, user) as base:
            fresh_data(programs, user, cache, base.folder)
            os.rename("data", "data", src_dir_fd=base.folder.fd, dst_dir_fd=place.fd)
    with place.child("data") as data:
        running = join_server(data, user)
        if running is not None:
            if port is not None:
                _check_port(place, running, port)
            return _Server(running, programs)
        if _is_used(place):
            raise EmbeddedError(
                f"another pgbraid process uses {place.path}, and its server cannot be reached",
                detail="That server has crashed, or it runs in another container.",
                hint="Run the command again when the other process has ended.",
            )
        clear_stale(data, user)
        return _start_when_free(place, data, programs, user, port)


def _check_port(place: OpenFolder, running: Running, port: int) -> None:
    """Raise EmbeddedError, and stop using the server, if it does not listen on the port."""
    listens = port_of(running.conninfo)
    if listens == port:
        return
    if running.held is not None:
        os.close(running.held)
    raise EmbeddedError(
        f"the server of {place.path} runs already, and "
        + (f"listens on the port {listens}" if listens else "listens on no port"),
        hint=f"Run `pgbraid server {place.path} --stop`, wait for the other processes that use "
        "the server, and run the command again.",
    )


def _major(place: OpenFolder, user: ServerUser) -> str | None:
    """Return the major version of the folder's data, or None if there are no data yet."""
    info = place.look("data")
    if info is None:
        return None
    if not stat.S_ISDIR(info.st_mode):
        raise _other_files(place)
    if info.st_uid != user.uid:
        raise EmbeddedError(
            f"{place.path / 'data'} belongs to {shown_user(info.st_uid)}, and the server would "
            f"run as {shown_user(user.uid)}",
            hint="Run pgbraid as the user that created it, or name another folder with `embedded`.",
        )
    with place.child("data") as data:
        version = data.read("PG_VERSION").strip()
    if not re.fullmatch(r"[1-9][0-9]{0,2}(\.[0-9]{1,2})?", version):
        raise _other_files(place)
    return version


def _start_when_free(
    place: OpenFolder,
    data: OpenFolder,
    programs: ServerBinaries,
    user: ServerUser,
    port: int | None,
) -> _Server:
    """Start the folder's server; wait for the processes of a killed one, at most ``_ENDING``."""
    deadline = time.monotonic() + _ENDING
    while True:
        try:
            return _start(place, data, programs, user, port)
        except EmbeddedError as error:
            if not is_data_in_use(error) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _start(
    place: OpenFolder,
    data: OpenFolder,
    programs: ServerBinaries,
    user: ServerUser,
    port: int | None,
) -> _Server:
    """Start the folder's server."""
    if port is not None:
        check_free(port)
    sweep({place.path, *private_places(user)}, user)
    process: subprocess.Popen[bytes] | None = None
    with signals_blocked():
        base = make_private(short_folder(user), user, data.info())
    try:
        with (
            own_file(place, _LOG, os.O_WRONLY | os.O_APPEND) as log,
            _handed_over(data, user) as (path, files),
            signals_blocked(),
        ):
            base.make("run")
            log_start = os.fstat(log).st_size  # the lines before are those of earlier starts
            # SIGINT is a fast shutdown, with a checkpoint.
            options = () if port is None else tcp_options(base, port)
            start = Start(programs, user, base.path, path, base.sockets, "INT", options, files)
            process = start_server(start, base.reader, log)
        conninfo = conninfo_of(base.sockets, user, port or PORT)
        await_ready(conninfo, process, place.path / _LOG, log_start=log_start)
        if port is not None:
            set_password(conninfo, read_password(place))
        running = Running(base.sockets, conninfo, os.dup(base.writer))
    except BaseException:
        with signals_blocked():
            # The watcher of a server that still runs needs its files, and removes them later.
            if process is None or has_ended(process, signal.SIGINT):
                base.remove()
            else:
                base.close()
        raise
    base.close()
    return _Server(running, programs, process)


@contextmanager
def _handed_over(data: OpenFolder, user: ServerUser) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield a path to the folder for the server's user, and the descriptors to inherit.

    If the server's user cannot enter the folders above, the path leads through an open
    descriptor of the folder. So no permission needs to be changed.
    """
    if user.can_reach(data.path):
        yield str(data.path), ()
        return
    if not Path("/proc/self/fd").is_dir():
        raise EmbeddedError(
            f"the server's user cannot reach {data.path}",
            hint="Name a folder that every user can reach with `embedded`.",
        )
    file = fcntl.fcntl(data.fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    try:
        yield f"/proc/self/fd/{file}", (file,)
    finally:
        os.close(file)


def _leave(place: OpenFolder, users: int, server: _Server, user: ServerUser) -> None:
    """Stop using the server; if no other process uses it, wait until it has ended.

    If the lock times out or the folder is gone, the server's watcher still ends the server: it
    does so when the last process has closed the FIFO.
    """
    held, process = server.running.held, server.process
    try:
        with suppress(EmbeddedError, OSError), _locked(place, _LEAVING):
            fcntl.flock(users, fcntl.LOCK_UN)
            if held is not None and not _is_used(place):
                _stop(place, held, server, user)
    finally:
        if held is not None:
            os.close(held)
        if process is not None and process.returncode is None:
            # The server continues for other processes. A return code keeps Popen from warning
            # that its child still runs.
            process.returncode = 0


def _stop(place: OpenFolder, held: int, server: _Server, user: ServerUser) -> None:
    """Let the watcher stop the server, wait for the end, and remove the socket's folder."""
    process = server.process
    with suppress(BrokenPipeError):
        os.write(held, b"farewell\n")
    with place.child("data") as data:
        if process is None:
            await_end(data, user)
        elif not has_ended(process, signal.SIGINT):
            return
        remove_served(server.running.sockets, data.info(), user)
