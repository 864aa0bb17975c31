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
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import pq

from pgbraid.db.programs import Programs, find_programs
from pgbraid.db.server_user import ServerUser, reachable_programs, server_user
from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl

__all__ = ["Embedded", "embedded_server"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - folders made there are private, by mkdtemp
_ROOM = 1 << 30
_PREFIX = "pgbraid-server-"
_POLL = 0.002
_PATIENCE = 60.0
_LONGEST_SOCKET_FOLDER = 80
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
    base = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_roomy_folder(user)))
    try:
        _copy(_template(programs, user, cache), base / "data")
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
    with _locked(folder / "starting"):
        users = (folder / "users").open("w")
        data = folder / "data"
        major = _read(data / "PG_VERSION").strip() or None
        programs = reachable_programs(find_programs(named, major=major), user)
        sockets = _running(data)
        if sockets is None:
            if major is None:
                _fill(data, _template(programs, user, cache))
            sockets = _start(programs, user, folder)
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield Embedded(_conninfo(sockets), programs)
    finally:
        with _locked(folder / "starting"):
            fcntl.flock(users, fcntl.LOCK_UN)
            if _only_user(folder / "users"):
                _stop(data, sockets)
        users.close()


def _fill(data: Path, template: Path) -> None:
    """Put a copy of the template in the folder's place at once, so that none is ever half."""
    partial = data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    _copy(template, partial)
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
    """Return the socket folder of the server that runs on this data directory, or None."""
    lines = _read(data / "postmaster.pid").splitlines()
    if len(lines) < 5 or not lines[4]:  # noqa: PLR2004 - the fifth line names the folder
        return None
    sockets = Path(lines[4])
    deadline = time.monotonic() + _PATIENCE
    while (answer := _ping(sockets)) == pq.Ping.REJECT and time.monotonic() < deadline:
        time.sleep(_POLL)
    return sockets if answer == pq.Ping.OK else None


def _start(programs: Programs, user: ServerUser, folder: Path) -> Path:
    """Start the server of a folder and return its socket folder.

    Where the server's user cannot pass the folders above, the data directory is given as the
    working directory, which needs no such pass; so no permission of others is touched.
    """
    data, sockets = folder / "data", _socket_folder(user)
    hidden = not user.can_reach(data)
    if hidden and not Path("/proc/self/cwd").exists():
        raise EmbeddedError(
            f"the server's user cannot reach {data}",
            hint="Name a folder that every user can reach with --embedded.",
        )
    place = "/proc/self/cwd" if hidden else str(data)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - a server program found by us
            [programs.path("postgres"), "-D", place, "-k", str(sockets), *_COMMON],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data,
            start_new_session=True,
            **user.popen(),
        )
    _await_ready(sockets, process, folder / "log")
    return sockets


def _stop(data: Path, sockets: Path) -> None:
    pid = int(_read(data / "postmaster.pid").partition("\n")[0] or 0)
    if pid:
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _PATIENCE
        while (data / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(_POLL)
    shutil.rmtree(sockets, ignore_errors=True)


def _await_ready(sockets: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _ping(sockets) != pq.Ping.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(_read(log).splitlines()[-5:])
            raise EmbeddedError("the embedded server did not start", detail=tail or None)
        time.sleep(_POLL)


def _ping(sockets: Path) -> pq.Ping:
    return pq.Ping(pq.PGconn.ping(_conninfo(sockets).encode()))


def _conninfo(sockets: Path) -> str:
    return f"host={sockets} port=5432 user=postgres dbname=postgres"


def _template(programs: Programs, user: ServerUser, cache: Path) -> Path:
    """Return the data directory that initdb makes, made once for each server version."""
    mark = sha256(str(programs.folder).encode()).hexdigest()[:12]
    template = cache / f"template-{programs.version}-{mark}"
    if (template / "PG_VERSION").is_file():
        return template
    made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_roomy_folder(user)))
    try:
        user.own(made)
        _initdb(programs, user, made / "data")
        cache.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=cache)) / "data"
        _copy(made / "data", partial)
        try:
            partial.rename(template)
        except OSError:  # another process was quicker
            if not (template / "PG_VERSION").is_file():
                raise
        shutil.rmtree(partial.parent, ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return template


def _initdb(programs: Programs, user: ServerUser, data: Path) -> None:
    """Run initdb with a locale that knows Unicode, or without one where there is none."""
    command = [programs.path("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    for locale in ("--locale=C.UTF-8", "--no-locale"):
        answer = subprocess.run(  # noqa: S603 - a server program found by us
            [*command, "--encoding=UTF8", "--no-sync", locale],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **user.popen(),
        )
        if answer.returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
    raise EmbeddedError("initdb failed", detail=answer.stderr.strip() or None)


def _copy(source: Path, target: Path) -> None:
    """Copy a data directory with its owner and permissions."""
    subprocess.run(["cp", "-Rp", str(source), str(target)], check=True)  # noqa: S603, S607


def _roomy_folder(user: ServerUser) -> Path:
    """Return where throw-away data go: memory if it has room, else the temporary folder."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
        return _MEMORY
    return _temporary(user)


def _temporary(user: ServerUser) -> Path:
    folder = Path(tempfile.gettempdir())
    return folder if user.can_reach(folder / "x") else Path("/tmp")  # noqa: S108 - by mkdtemp


def _socket_folder(user: ServerUser) -> Path:
    """Return a new folder for a socket, whose path may not be long."""
    parent = _temporary(user)
    if len(str(parent)) > _LONGEST_SOCKET_FOLDER:
        parent = Path("/tmp")  # noqa: S108 - the folder in it is private, by mkdtemp
    folder = Path(tempfile.mkdtemp(prefix="pgbraid-", dir=parent))
    user.own(folder)
    return folder


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
