"""Runs an embedded PostgreSQL server on a private Unix socket, from a cached template.

Two measurements shaped this. Most of the time to a usable server is initdb's, so one template is
kept for each version, and copied. ``pg_ctl -w`` polls only ten times a second, so the server is
started directly, and its socket is tried every two milliseconds.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.binaries import ServerBinaries, find_programs
from pgbraid.postgres.server.data_dir import (
    fits_socket,
    fresh_data,
    private_places,
    short_folder,
    temporary_data_parent,
)
from pgbraid.postgres.server.os_user import ServerUser, reachable_programs, server_user
from pgbraid.postgres.server.private_folders import private_folder, sweep
from pgbraid.postgres.server.process import (
    Start,
    await_ready,
    conninfo_of,
    end_process,
    has_ended,
    signals_blocked,
    start_server,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pgbraid.postgres.server.private_folders import PrivateFolder

__all__ = ["TEMPORARY_OPTIONS", "Embedded", "embedded_server", "temporary_server"]

TEMPORARY_OPTIONS = tuple(
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


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running server: its connection string and its binaries."""

    conninfo: str
    programs: ServerBinaries

    @property
    def label(self) -> str:
        """The name of the server in messages."""
        return f"embedded PostgreSQL {self.programs.version}"


@contextmanager
def embedded_server(
    folder: Path | None = None, *, programs: str | None = None, cache: Path | None = None
) -> Iterator[Embedded]:
    """Run a server as long as the block lasts.

    With ``folder`` the data persist there, and several processes may share the server. Without
    ``folder`` the data are in memory or a temporary folder, not safe against a crash. They are
    removed at the end, even if this process is killed. ``programs`` names the folder of the
    server binaries, ``cache`` the folder for the template. Raises EmbeddedError.
    """
    if sys.platform == "win32":
        raise EmbeddedError("the embedded server needs Unix sockets, which this system lacks")
    user = server_user()
    if folder is None:
        binaries = reachable_programs(find_programs(programs), user)
        with temporary_server(binaries, user, cache) as server:
            yield server
        return
    from pgbraid.postgres.server.persistent import persistent_server  # noqa: PLC0415 - the other kind

    with persistent_server(folder, programs, user, cache) as (conninfo, used):
        yield Embedded(conninfo, used)


@contextmanager
def temporary_server(
    programs: ServerBinaries,
    user: ServerUser,
    cache: Path | None,
    keep: Callable[[PrivateFolder], object] | None = None,
) -> Iterator[Embedded]:
    """Run a server on temporary data as long as the block lasts. Raises EmbeddedError.

    If the block ends without an error, the server is shut down in order, and ``keep`` is called
    with the folder of its data before these are removed. A forked child that leaves the block
    leaves the server to its parent.
    """
    ours = os.getpid()
    sweep(private_places(user), user)
    with ExitStack() as stack:
        base = stack.enter_context(private_folder(temporary_data_parent(user), user))
        fresh_data(programs, user, cache, base.folder)
        socket_base = base
        if not fits_socket(base.sockets):
            socket_base = stack.enter_context(private_folder(short_folder(user), user))
        socket_base.make("run")
        log = base.folder.open_own("log", os.O_WRONLY | os.O_APPEND)
        data = str(base.path / "data")
        sockets = socket_base.sockets
        # SIGQUIT is an immediate shutdown: temporary data need no checkpoint.
        start = Start(programs, user, base.path, data, sockets, "QUIT", TEMPORARY_OPTIONS)
        process: subprocess.Popen[bytes] | None = None
        try:
            with signals_blocked():
                process = start_server(start, base.reader, log)
            conninfo = conninfo_of(sockets, user)
            await_ready(conninfo, process, base.path / "log")
            yield Embedded(conninfo, programs)
            if keep is not None:
                _shut_down(process)
                keep(base)
        finally:
            os.close(log)
            if process is not None and os.getpid() == ours:
                with signals_blocked():
                    end_process(process, signal.SIGQUIT)


def _shut_down(process: subprocess.Popen[bytes]) -> None:
    """End a server with a checkpoint, so that its data can be copied. Raises EmbeddedError."""
    with signals_blocked():
        if not has_ended(process, signal.SIGINT) or process.returncode:
            raise EmbeddedError("the embedded server did not shut down in order")
