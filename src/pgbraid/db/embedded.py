"""A PostgreSQL server of our own: started from a cached template, on a socket of its own.

What was measured when this was designed: of the time to a usable server, initdb takes most, so
one template is kept for each version and copied; ``pg_ctl -w`` polls ten times a second, so the
server is started directly and its socket is tried every two milliseconds.
"""

from __future__ import annotations

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

from pgbraid.db.datadir import (
    PREFIX,
    copy_data,
    data_template,
    fits_socket,
    roomy_folder,
    socket_folder,
    throw_away_folders,
)
from pgbraid.db.postmaster import (
    answers,
    await_ready,
    conninfo_of,
    end_process,
    held_signals,
    pid_of,
)
from pgbraid.db.programs import Programs, find_programs
from pgbraid.db.server_user import ServerUser, reachable_programs, server_user
from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Iterator

if sys.platform != "win32":
    import fcntl
    import os

__all__ = ["COMMON", "Embedded", "embedded_server"]

COMMON = ("-p", "5432", "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700")
"""Options of every server of ours: a socket, for its own user, and nothing else.

The port is part of the socket's name; without it PGPORT would give it another.
"""
_ABANDONED = 600.0
"""Seconds after which a folder without an owner's mark was abandoned while it was made."""
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
  gone() {
    ! kill -0 $$ 2>/dev/null || grep -q '^State:.*Z' /proc/$$/status 2>/dev/null
  }
  if ! read -r farewell; then
    kill -QUIT $$ 2>/dev/null
    until gone; do sleep 0.1; done
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
    folder: Path | None = None, *, programs: str | None = None, cache: Path | None = None
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
        found = reachable_programs(find_programs(programs), user)
        with _throw_away(found, user, cache) as server:
            yield server
        return
    from pgbraid.db.lasting import lasting_server  # noqa: PLC0415 - the other kind

    with lasting_server(folder, programs, user, cache) as (conninfo, used):
        yield Embedded(conninfo, used)


@contextmanager
def _throw_away(programs: Programs, user: ServerUser, cache: Path | None) -> Iterator[Embedded]:
    _sweep(user)
    template = data_template(programs, user, cache)
    base: Path | None = None
    try:
        with held_signals():
            base = Path(tempfile.mkdtemp(prefix=PREFIX, dir=roomy_folder(user)))
        with (base / "owner").open("w") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            copy_data(template, base / "data")
            sockets = _sockets(base, user)
            user.own(base)
            process: subprocess.Popen[bytes] | None = None
            try:
                with held_signals():
                    process = _start(programs, user, base, sockets)
                await_ready(sockets, process, base / "log")
                yield Embedded(conninfo_of(sockets), programs)
            finally:
                with held_signals():
                    if process is not None:
                        _end(process)
                    if sockets.parent != base:
                        shutil.rmtree(sockets, ignore_errors=True)
    finally:
        if base is not None:
            with held_signals():
                shutil.rmtree(base, ignore_errors=True)


def _sockets(base: Path, user: ServerUser) -> Path:
    """Return a folder for the socket: in ours, or a shorter one where that is too long."""
    sockets = base / "run"
    if not fits_socket(sockets):
        return socket_folder(user)
    sockets.mkdir(mode=0o700)
    user.own(sockets)
    return sockets


def _start(
    programs: Programs, user: ServerUser, base: Path, sockets: Path
) -> subprocess.Popen[bytes]:
    server = [programs.path("postgres"), "-D", str(base / "data"), "-k", str(sockets)]
    with (base / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - a server program found by us
            ["/bin/sh", "-c", _DIES_WITH_US, str(base), *server, *COMMON, *_THROW_AWAY],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=base,
            start_new_session=True,
            **user.popen(),
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server, and tell its watcher that all is well."""
    end_process(process, signal.SIGQUIT)
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin:
            process.stdin.write(b"farewell\n")


def _sweep(user: ServerUser) -> None:
    """Remove what a process left that was killed before its server had a watcher."""
    for base in throw_away_folders(user):
        with suppress(OSError):
            if _is_abandoned(base):
                pid = pid_of(base / "data")
                if pid and answers(base / "run"):
                    os.kill(pid, signal.SIGQUIT)
                shutil.rmtree(base, ignore_errors=True)


def _is_abandoned(base: Path) -> bool:
    mark = base / "owner"
    if not mark.exists():
        return time.time() - base.stat().st_mtime > _ABANDONED
    with mark.open("a") as owner:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
