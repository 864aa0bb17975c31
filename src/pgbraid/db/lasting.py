"""An embedded server whose data stay in a folder, shared by whoever uses it at a time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from psycopg import pq

from pgbraid.db.datadir import copy_data, data_template, read_text, socket_folder
from pgbraid.db.embedded import COMMON
from pgbraid.db.postmaster import (
    PATIENCE,
    POLL,
    answers,
    await_ready,
    conninfo_of,
    end_process,
    held_signals,
    is_server,
    pid_of,
    ping,
)
from pgbraid.db.programs import Programs, find_programs
from pgbraid.db.server_user import ServerUser, reachable_programs
from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

__all__ = ["lasting_server"]

_LOCK, _USERS, _LOG = "pgbraid.lock", "pgbraid.users", "postgres.log"
_OURS = frozenset({_LOCK, _USERS, _LOG, "data", "data.partial"})
_SOCKET_LINE = 4


@contextmanager
def lasting_server(
    folder: Path, named: str | None, user: ServerUser, cache: Path | None
) -> Iterator[tuple[str, Programs]]:
    """Start the folder's server, or join it; whoever leaves last stops it.

    Yields its connection string and programs. Raises EmbeddedError where the folder is
    somebody else's, or cannot be used.
    """
    folder = folder.absolute()
    try:
        _check_folder(folder)
        users = (folder / _USERS).open("a")
    except OSError as error:
        raise _unusable(folder, error) from None
    process: subprocess.Popen[bytes] | None = None
    with users:
        with _locked(folder):
            try:
                sockets, programs, process = _join_or_start(folder, named, user, cache)
            except OSError as error:
                raise _unusable(folder, error) from None
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield conninfo_of(sockets), programs
        finally:
            with held_signals(), _locked(folder):
                fcntl.flock(users, fcntl.LOCK_UN)
                last = _only_user(folder)
                if last:
                    _stop(folder / "data", sockets)
                if process is not None:
                    _part(process, last=last)


def _unusable(folder: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"cannot use the folder {folder}: {error.strerror}",
        hint="Name another folder with --embedded.",
    )


def _check_folder(folder: Path) -> None:
    """Make the folder, and refuse one that is somebody else's, or below one that is not there."""
    if folder.exists() and not folder.is_dir():
        raise EmbeddedError(f"{folder} is a file", hint="Name another folder with --embedded.")
    folder.mkdir(exist_ok=True)
    names = {entry.name for entry in folder.iterdir()}
    own = _LOCK in names and names <= _OURS | {entry for entry in names if entry.startswith(".")}
    whole = "data" not in names or (folder / "data" / "PG_VERSION").is_file()
    if names and not (own and whole):
        raise EmbeddedError(
            f"{folder} holds other files than an embedded server's",
            hint="Name an empty folder, or one that does not exist, with --embedded.",
        )
    (folder / _LOCK).touch()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _only_user(folder: Path) -> bool:
    with (folder / _USERS).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _join_or_start(
    folder: Path, named: str | None, user: ServerUser, cache: Path | None
) -> tuple[Path, Programs, subprocess.Popen[bytes] | None]:
    """Return the folder's socket folder, programs and, where we started it, process."""
    data = folder / "data"
    major = read_text(data / "PG_VERSION").strip() or None
    programs = reachable_programs(find_programs(named, major=major), user)
    sockets = _running(data)
    if sockets is not None:
        return sockets, programs, None
    if major is None:
        _fill(data, data_template(programs, user, cache))
    sockets = socket_folder(user)
    process: subprocess.Popen[bytes] | None = None
    try:
        with held_signals():
            process = _start(programs, user, folder, sockets)
        await_ready(sockets, process, folder / _LOG)
    except BaseException:
        with held_signals():
            if process is not None:
                end_process(process, signal.SIGINT)
            shutil.rmtree(sockets, ignore_errors=True)
        raise
    return sockets, programs, process


def _fill(data: Path, template: Path) -> None:
    """Put a copy of the template in the folder's place at once, so that none is ever half."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    copy_data(template, partial)
    partial.rename(data)


def _running(data: Path) -> Path | None:
    """Return the socket folder of the server that runs on this data directory, or None.

    The mark of a server that crashed is taken away: where nobody asks for dead processes, as
    in many containers, the next server would take the dead one for alive.
    """
    pid = pid_of(data)
    if pid is None:
        return None
    lines = read_text(data / "postmaster.pid").splitlines()
    sockets = Path(lines[_SOCKET_LINE]) if len(lines) > _SOCKET_LINE else None
    deadline = time.monotonic() + PATIENCE
    while is_server(pid) and sockets and sockets.is_dir() and time.monotonic() < deadline:
        if ping(sockets) == pq.Ping.OK:
            return sockets
        time.sleep(POLL)
    if not is_server(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)
        if sockets:
            shutil.rmtree(sockets, ignore_errors=True)
    return None


def _start(
    programs: Programs, user: ServerUser, folder: Path, sockets: Path
) -> subprocess.Popen[bytes]:
    """Start the server of a folder.

    Where the server's user cannot pass the folders above, the data directory is handed over
    open, and needs no such pass; so no permission of others is touched.
    """
    with (
        _private(folder / _LOG) as log,
        _handed_over(folder / "data", user) as (place, files),
    ):
        return subprocess.Popen(  # noqa: S603 - a server program found by us
            [programs.path("postgres"), "-D", place, "-k", str(sockets), *COMMON],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=files,
            start_new_session=True,
            **user.popen(),
        )


def _private(path: Path) -> BinaryIO:
    """Open a log to append to, which only its owner can read: it repeats SQL that failed."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


@contextmanager
def _handed_over(data: Path, user: ServerUser) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield a path by which the server's user reaches the folder, and what it must inherit."""
    if user.can_reach(data):
        yield str(data), ()
        return
    if not Path("/proc/self/fd").is_dir():
        raise EmbeddedError(
            f"the server's user cannot reach {data}",
            hint="Name a folder that every user can reach with --embedded.",
        )
    file = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{file}", (file,)
    finally:
        os.close(file)


def _stop(data: Path, sockets: Path) -> None:
    """Stop the server, if it is the one that answers on its socket."""
    pid = pid_of(data)
    if pid and answers(sockets):
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + PATIENCE
        while is_server(pid) and time.monotonic() < deadline:
            time.sleep(POLL)
    shutil.rmtree(sockets, ignore_errors=True)


def _part(process: subprocess.Popen[bytes], *, last: bool) -> None:
    """Ask for the end of a server that we started, or leave it to those who go on with it."""
    if last:
        process.wait(PATIENCE)
    else:
        process.returncode = 0
