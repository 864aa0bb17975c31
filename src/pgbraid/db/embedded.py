"""A PostgreSQL server of our own: started from a cached template, on a socket of its own.

What was measured when this was designed: of the time to a usable server, initdb takes most, so
one template is kept for each version and copied; ``pg_ctl -w`` polls ten times a second, so the
server is started directly and its socket is tried every two milliseconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import pq

from pgbraid.db.datadir import (
    PREFIX,
    copy_data,
    data_template,
    read_text,
    roomy_folder,
    socket_folder,
)
from pgbraid.db.programs import Programs, find_programs
from pgbraid.db.server_user import ServerUser, reachable_programs, server_user
from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

__all__ = ["Embedded", "embedded_server"]

_POLL = 0.002
_PATIENCE = 60.0
_SOCKET_LINE = 4
_OURS = frozenset({"starting", "users", "log", "data.partial"})
_COMMON = ("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700")
_THROW_AWAY = tuple(
    option
    for setting in (
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "shared_buffers=32MB",
        "autovacuum=off",
    )
    for option in ("-c", setting)
)
_DIES_WITH_US = """\
exec 3<&0 </dev/null
( trap '' INT TERM HUP
  if ! read -r farewell; then
    kill -QUIT $$ 2>/dev/null
    while kill -0 $$ 2>/dev/null; do sleep 0.1; done
    rm -rf "$0"
  fi ) <&3 3<&- &
exec "$@" 3<&-
"""
"""Starts a throw-away server, and a watcher that ends and removes it when we are gone."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running server: its connection string, and the programs it runs."""

    conninfo: str
    programs: Programs

    @property
    def label(self) -> str:
        """What it is, for a person to read."""
        return f"embedded PostgreSQL {self.programs.version}"


@contextmanager
def embedded_server(
    folder: Path | None = None, *, programs: str | None = None, cache: Path
) -> Iterator[Embedded]:
    """Run a server as long as the block lasts; several processes may share one folder.

    With ``folder`` the data stay there; without one the server is in memory or a temporary
    folder, not safe against a crash, and gone afterwards, also when this process is killed.
    ``programs`` names the folder of server programs, ``cache`` is where the template is kept.
    Raises EmbeddedError.
    """
    if sys.platform == "win32":
        raise EmbeddedError("the embedded server needs Unix sockets, which this system lacks")
    user = server_user()
    if folder is None:
        with _throw_away(find_programs(programs), user, cache) as server:
            yield server
    else:
        with _lasting(folder, programs, user, cache) as server:
            yield server


@contextmanager
def _throw_away(found: Programs, user: ServerUser, cache: Path) -> Iterator[Embedded]:
    programs = reachable_programs(found, user)
    base = Path(tempfile.mkdtemp(prefix=PREFIX, dir=roomy_folder(user)))
    try:
        copy_data(data_template(programs, user, cache), base / "data")
        sockets = base / "run"
        sockets.mkdir(mode=0o700)
        user.own(sockets)
        user.own(base)
        arguments = [programs.path("postgres"), "-D", str(base / "data"), "-k", str(sockets)]
        with (base / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - a server program found by us
                ["/bin/sh", "-c", _DIES_WITH_US, str(base), *arguments, *_COMMON, *_THROW_AWAY],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=base,
                start_new_session=True,
                **user.popen(),
            )
        try:
            _await_ready(sockets, process, base / "log")
            yield Embedded(_conninfo(sockets), programs)
        finally:
            _end(process, signal.SIGQUIT)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _end(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    """End the server and, where it has a watcher, tell it that all is well."""
    if process.poll() is None:
        process.send_signal(sign)
    process.wait(_PATIENCE)
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"farewell\n")


@contextmanager
def _lasting(folder: Path, named: str | None, user: ServerUser, cache: Path) -> Iterator[Embedded]:
    """Start the folder's server, or join it; whoever leaves last stops it."""
    folder = folder.absolute()
    _check_folder(folder)
    data = folder / "data"
    with (folder / "users").open("w") as users:
        process = None
        with _locked(folder / "starting"):
            major = read_text(data / "PG_VERSION").strip() or None
            programs = reachable_programs(find_programs(named, major=major), user)
            sockets = _running(data)
            if sockets is None:
                if major is None:
                    _fill(data, data_template(programs, user, cache))
                sockets, process = _start(programs, user, folder)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield Embedded(_conninfo(sockets), programs)
        finally:
            with _locked(folder / "starting"):
                fcntl.flock(users, fcntl.LOCK_UN)
                last = _only_user(folder / "users")
                if last:
                    _stop(data, sockets)
                if process is not None:
                    _part(process, last=last)


def _fill(data: Path, template: Path) -> None:
    """Put a copy of the template in the folder's place at once, so that none is ever half."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    copy_data(template, partial)
    partial.rename(data)


def _check_folder(folder: Path) -> None:
    """Make the folder, and refuse one that is somebody else's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise EmbeddedError(f"cannot use the folder {folder}: {error.strerror}") from None
    if "data" not in names and names - _OURS:
        raise EmbeddedError(
            f"{folder} holds other files, and no embedded server",
            hint="Name an empty folder, or one that does not exist, with --embedded.",
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _only_user(path: Path) -> bool:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _running(data: Path) -> Path | None:
    """Return the socket folder of the server that runs on this data directory, or None.

    The mark of a server that crashed is taken away: where nobody asks for dead processes, as
    in many containers, the next server would take the dead one for alive.
    """
    pid = _postmaster(data)
    if pid is None:
        return None
    lines = read_text(data / "postmaster.pid").splitlines()
    sockets = Path(lines[_SOCKET_LINE]) if len(lines) > _SOCKET_LINE else None
    deadline = time.monotonic() + _PATIENCE
    while _is_alive(pid) and sockets and time.monotonic() < deadline:
        if _ping(sockets) == pq.Ping.OK:
            return sockets
        time.sleep(_POLL)
    if not _is_alive(pid):
        (data / "postmaster.pid").unlink(missing_ok=True)
        if sockets:
            shutil.rmtree(sockets, ignore_errors=True)
    return None


def _start(
    programs: Programs, user: ServerUser, folder: Path
) -> tuple[Path, subprocess.Popen[bytes]]:
    """Start the server of a folder and return its socket folder and its process.

    Where the server's user cannot pass the folders above, the data directory is handed over
    open, and needs no such pass; so no permission of others is touched.
    """
    data, sockets = folder / "data", socket_folder(user)
    with (folder / "log").open("ab") as log, _handed_over(data, user) as (place, files):
        process = subprocess.Popen(  # noqa: S603 - a server program found by us
            [programs.path("postgres"), "-D", place, "-k", str(sockets), *_COMMON],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=files,
            start_new_session=True,
            **user.popen(),
        )
    try:
        _await_ready(sockets, process, folder / "log")
    except EmbeddedError:
        shutil.rmtree(sockets, ignore_errors=True)
        raise
    return sockets, process


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
    pid = _postmaster(data)
    if pid and _ping(sockets) in {pq.Ping.OK, pq.Ping.REJECT}:
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _PATIENCE
        while _is_alive(pid) and time.monotonic() < deadline:
            time.sleep(_POLL)
    shutil.rmtree(sockets, ignore_errors=True)


def _part(process: subprocess.Popen[bytes], *, last: bool) -> None:
    """Ask for the end of a server that we started, or leave it to those who go on with it."""
    if last:
        process.wait(_PATIENCE)
    else:
        process.returncode = 0


def _postmaster(data: Path) -> int | None:
    """Return the process number that the data directory names, or None."""
    line = read_text(data / "postmaster.pid").partition("\n")[0]
    return int(line) if line.isdigit() else None


def _is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended, and that its parent has not asked for, does not."""
    stat = read_text(Path(f"/proc/{pid}/stat"))
    if stat:
        return stat.rpartition(")")[2].split()[0] != "Z"
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _await_ready(sockets: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _ping(sockets) != pq.Ping.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(read_text(log).splitlines()[-5:])
            raise EmbeddedError("the embedded server did not start", detail=tail or None)
        time.sleep(_POLL)


def _ping(sockets: Path) -> pq.Ping:
    return pq.Ping(pq.PGconn.ping(_conninfo(sockets).encode()))


def _conninfo(sockets: Path) -> str:
    return f"host={sockets} port=5432 user=postgres dbname=postgres"
