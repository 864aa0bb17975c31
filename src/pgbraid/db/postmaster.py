"""One server process: how it is reached, whether it lives, how it ends."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import pq
from psycopg.conninfo import make_conninfo

from pgbraid.db.datadir import read_text
from pgbraid.errors import EmbeddedError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

__all__ = [
    "PATIENCE",
    "POLL",
    "answers",
    "await_ready",
    "conninfo_of",
    "end_process",
    "held_signals",
    "is_server",
    "pid_of",
    "ping",
]

POLL = 0.002
"""Seconds between two looks at a server that is about to start or to end."""
PATIENCE = 60.0
"""Seconds after which a server that neither starts nor ends is given up."""
_NAMES = frozenset({"postgres", "postmaster", ""})
_NO_DETOUR = {
    "hostaddr": "",
    "options": "",
    "sslmode": "disable",
    "gssencmode": "disable",
    "target_session_attrs": "any",
    "connect_timeout": "10",
}
"""Parameters that keep libpq's environment from leading a connection elsewhere."""


def conninfo_of(sockets: Path) -> str:
    """Return the connection string of the server whose socket is in a folder."""
    return make_conninfo(
        host=str(sockets), port=5432, user="postgres", dbname="postgres", **_NO_DETOUR
    )


def ping(sockets: Path) -> pq.Ping:
    """Ask a server whether it takes connections."""
    return pq.Ping(pq.PGconn.ping(conninfo_of(sockets).encode()))


def answers(sockets: Path) -> bool:
    """Whether a server is there at all, also one that starts or ends."""
    return ping(sockets) in {pq.Ping.OK, pq.Ping.REJECT}


def await_ready(sockets: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a server that was started takes connections.

    Raises EmbeddedError with the end of its log where it ended instead.
    """
    deadline = time.monotonic() + PATIENCE
    while ping(sockets) != pq.Ping.OK:
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(read_text(log).splitlines()[-5:])
            raise EmbeddedError(
                "the embedded server did not start",
                detail=tail or None,
                hint="Mend what it says, then run the command again; `pgbraid demo` tries it.",
            )
        time.sleep(POLL)


def pid_of(data: Path) -> int | None:
    """Return the process number that a data directory names, or None."""
    line = read_text(data / "postmaster.pid").partition("\n")[0].strip()
    return int(line) if line.isdigit() else None


def is_server(pid: int) -> bool:
    """Whether the process runs and is a server, as far as the system tells.

    One that has ended, and that its parent has not asked for, does not run.
    """
    stat = read_text(Path(f"/proc/{pid}/stat"))
    if stat:
        name, _, rest = stat.partition("(")[2].rpartition(")")
        return rest.split()[0] != "Z" and name in _NAMES
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_process(process: subprocess.Popen[bytes], sign: signal.Signals) -> None:
    """End a server that we started, and ask for its end."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.send_signal(sign)
    process.wait(PATIENCE)


@contextmanager
def held_signals() -> Iterator[None]:
    """Let no signal interrupt a block; those that came are delivered at its end."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    signals = {getattr(signal, name) for name in names if hasattr(signal, name)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
