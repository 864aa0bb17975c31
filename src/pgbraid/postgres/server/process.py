"""Starts, reaches and ends one server process."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import pq
from psycopg.conninfo import make_conninfo

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.safe_files import name_of, read_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pgbraid.postgres.server.binaries import ServerBinaries
    from pgbraid.postgres.server.os_user import ServerUser

__all__ = [
    "POLL",
    "PORT",
    "SERVER_OPTIONS",
    "SERVER_TIMEOUT",
    "SOCKET",
    "Start",
    "await_ready",
    "conninfo_of",
    "end_process",
    "has_ended",
    "is_data_in_use",
    "is_listening",
    "ping",
    "signals_blocked",
    "socket_names",
    "start_server",
]

PORT = 5432
SERVER_OPTIONS = ("-p", str(PORT), "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700")
"""Options of every embedded server: it listens only on a socket for its own user.

The port is part of the socket's name. Without ``-p`` the variable PGPORT would change the name.
"""
SOCKET = f".s.PGSQL.{PORT}"
"""The name of the socket of an embedded server, unless it has a TCP port: that is in the name."""
_SOCKETS = re.compile(r"\.s\.PGSQL\.[0-9]{1,5}(\.lock)?")
POLL = 0.002
"""Seconds between two checks of a server that is about to start or to end."""
SERVER_TIMEOUT = 60.0
"""Seconds to wait for a server to start or to end."""
_NO_DETOUR = {
    "hostaddr": "",
    "options": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "target_session_attrs": "any",
    "connect_timeout": "10",
}
"""Parameters that override libpq's environment variables and service files."""
_WATCHDOG_SCRIPT = """\
exec 3<&0 </dev/null
( trap '' INT TERM HUP
  gone() {
    ! kill -0 $$ || grep -q '^State:.*Z' /proc/$$/status
  }
  read -r farewell
  kill -"$1" $$
  until gone; do sleep 0.1; done
  rm -rf "$0/data"
  rm -f "$0"/run/.s.PGSQL.*
  rmdir "$0/run" &&
    rm -f "$0/log" "$0/alive" "$0/owner" "$0/hba" &&
    rmdir "$0" ) <&3 3<&- 2>/dev/null &
shift
exec "$@" 3<&-
"""
"""Starts a server and a watcher, which ends the server when the last writer closes the FIFO.

The FIFO is the script's stdin. The watcher is in the server's process group, so the system does
not reuse the server's pid while the watcher lives. The watcher also removes the server's files,
as far as its user may.
"""


def conninfo_of(sockets: Path, user: ServerUser | None = None, port: int = PORT) -> str:
    """Return the connection string of the server whose socket is in a folder.

    With ``user``, libpq rejects a server that another user runs (requirepeer).
    """
    name = user and name_of(user.uid)
    peer = {"requirepeer": name} if name else {}
    return make_conninfo(
        host=str(sockets), port=port, user="postgres", dbname="postgres", **_NO_DETOUR, **peer
    )


def ping(conninfo: str) -> pq.Ping:
    """Return whether a server accepts connections."""
    return pq.Ping(pq.PGconn.ping(conninfo.encode()))


def socket_names(names: Iterable[str]) -> list[str]:
    """Return the names in a folder of sockets that are a server's socket or the lock of one."""
    return [name for name in names if _SOCKETS.fullmatch(name)]


def is_listening(sockets: Path) -> bool:
    """Return whether any process listens on a server's socket in a folder."""
    try:
        names = [path.name for path in sockets.iterdir()]
    except OSError:
        return False
    return any(
        _accepts(sockets / name) for name in socket_names(names) if not name.endswith(".lock")
    )


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0)
        try:
            client.connect(str(path))
        except BlockingIOError:
            return True  # the listener's backlog is full
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Start:
    """The parameters to start a server and its watcher."""

    programs: ServerBinaries
    user: ServerUser
    base: Path
    """The private folder that the watcher removes."""
    data: str
    sockets: Path
    end: str
    """The signal that the watcher sends when no process uses the server any more."""
    options: Sequence[str] = ()
    files: Sequence[int] = ()
    """Open files to pass on; their descriptors must be above those that a shell uses itself."""


def start_server(start: Start, needed: int, log: int) -> subprocess.Popen[bytes]:
    """Start a server and its watcher, which reads from the FIFO ``needed``."""
    server = [start.programs.path("postgres"), "-D", start.data, "-k", str(start.sockets)]
    return subprocess.Popen(  # noqa: S603 - a server program found by us
        [
            "/bin/sh",
            "-c",
            _WATCHDOG_SCRIPT,
            start.base,
            start.end,
            *server,
            *SERVER_OPTIONS,
            *start.options,
        ],
        stdin=needed,
        stdout=log,
        stderr=log,
        cwd="/",
        pass_fds=start.files,
        # A Ctrl-C in the terminal signals the foreground process group, and must not reach the
        # server: pgbraid first ends its own work.
        start_new_session=True,
        **start.user.popen(),
    )


def await_ready(
    conninfo: str, process: subprocess.Popen[bytes], log: Path, *, log_start: int = 0
) -> None:
    """Wait until a started server accepts connections.

    Its own lines in the log begin at byte ``log_start``. Raises EmbeddedError, with the end of
    these lines, if it ends instead or takes too long.
    """
    deadline = time.monotonic() + SERVER_TIMEOUT
    while ping(conninfo) != pq.Ping.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            raise EmbeddedError(
                "the embedded server did not start",
                detail=_why_it_ended(read_end(log, log_start).splitlines()) or None,
                hint="Correct the reported error, then run the command again; `pgbraid demo` "
                "tests it.",
            )
        time.sleep(POLL)


def _why_it_ended(log: list[str]) -> str:
    """Return the last five lines of a server's log, and the first error if it is before them."""
    errors = [line for line in log if "FATAL:" in line or "PANIC:" in line]
    tail = log[-5:]
    return "\n".join([line for line in errors[:1] if line not in tail] + tail)


def is_data_in_use(error: EmbeddedError) -> bool:
    """Return whether a server did not start because processes of a killed one use its data.

    These processes end as soon as they notice that their server is gone.
    """
    return "pre-existing shared memory block" in (error.detail or "")


def has_ended(process: subprocess.Popen[bytes], sign: signal.Signals) -> bool:
    """Send a signal to a server that this process started; return whether it ended in time."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.send_signal(sign)
    deadline = time.monotonic() + SERVER_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL)  # Popen.wait() polls only twenty times a second
    return process.returncode is not None


def end_process(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    """End a server that this process started; kill it if it does not end in time."""
    if not has_ended(process, sign):
        process.kill()
        process.wait()


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Block SIGINT, SIGTERM and SIGHUP; pending signals are delivered at the block's end."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    signals = {getattr(signal, name) for name in names if hasattr(signal, name)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
