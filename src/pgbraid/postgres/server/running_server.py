"""Finds the server that already runs on a data directory, verifies it, and joins it.

The files of a data directory are not trusted: a program that a migration started may have written
them, or the author of an archive. So ``postmaster.pid`` is only a hint where to look. A server of
ours is recognised by the private folder of its socket. Any other server is joined only if the
expected user runs it, and its data_directory is this folder. No process is ever signalled by its
pid, and a server that another program started is never stopped.
"""

from __future__ import annotations

import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.client.connection import open_connection
from pgbraid.postgres.server.private_folders import hold_server
from pgbraid.postgres.server.process import POLL, PORT, SERVER_TIMEOUT, conninfo_of, ping
from pgbraid.postgres.server.safe_files import name_of, shown_user

if TYPE_CHECKING:
    from pgbraid.postgres.server.os_user import ServerUser
    from pgbraid.postgres.server.safe_files import OpenFolder

__all__ = ["Running", "await_end", "clear_stale", "is_running", "join_server"]

_FILE = "postmaster.pid"
_PORT, _SOCKETS = 3, 4
_PAUSE = 0.02
_SILENCE = 10.0
"""Seconds to wait for a server that does not respond on its socket."""


class _Process(Enum):
    """The kind of the process that ``postmaster.pid`` names."""

    ABSENT = auto()
    """No process has this pid, or PostgreSQL ignores it because it belongs to another user."""
    ANOTHER = auto()
    """A zombie or another program, which PostgreSQL would treat as the running server."""
    SERVER = auto()
    UNKNOWN = auto()
    """Without ``/proc``, or without access to it."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs on the data directory, and how to reach it."""

    sockets: Path
    conninfo: str
    held: int | None
    """An open file that keeps a server of ours alive; None for another program's server."""


@dataclass(frozen=True, slots=True)
class _Named:
    """The contents of ``postmaster.pid``."""

    content: str
    pid: int
    port: int
    sockets: Path | None


def join_server(data: OpenFolder, user: ServerUser) -> Running | None:
    """Wait until the server on a data directory accepts connections, and return it.

    Return None if no server runs there. Raises EmbeddedError if the server cannot be joined.
    """
    started_at = time.monotonic()
    while (named := _named(data)) is not None:
        process = _process(named.pid, data, user)
        if process in {_Process.ABSENT, _Process.ANOTHER}:
            return None
        answer, running = _try_to_join(named, data, user)
        if running is not None:
            return running
        if process is _Process.UNKNOWN and answer == pq.Ping.NO_RESPONSE:
            return None  # postgres itself checks the pid, and does not start a second server
        if time.monotonic() - started_at > (
            SERVER_TIMEOUT if answer == pq.Ping.REJECT else _SILENCE
        ):
            raise _not_joined(named, data, user, answer)
        time.sleep(_PAUSE)
    return None


def _try_to_join(
    named: _Named, data: OpenFolder, user: ServerUser
) -> tuple[pq.Ping, Running | None]:
    if named.sockets is None:
        return pq.Ping.NO_RESPONSE, None
    conninfo = conninfo_of(named.sockets, user, named.port)
    # The server is held before the check, so that it cannot end between the two.
    held = hold_server(named.sockets, data.info())
    joined = False
    try:
        answer = ping(conninfo)
        joined = answer == pq.Ping.OK and (held is not None or _serves(conninfo, data, user))
    finally:
        if held is not None and not joined:
            os.close(held)
    return answer, Running(named.sockets, conninfo, held) if joined else None


def _serves(conninfo: str, data: OpenFolder, user: ServerUser) -> bool:
    """Return whether the server's user is the expected one, and its data_directory ours."""
    if name_of(user.uid) is None:
        return False  # requirepeer needs the name of the user
    with suppress(psycopg.Error, OSError):
        with open_connection(conninfo_to_dict(conninfo)) as conn:
            row = conn.execute("SHOW data_directory").fetchone()
        place = Path(str(row[0])) if row else Path()
        return place.is_absolute() and os.path.samestat(place.stat(), data.info())
    return False


def _not_joined(
    named: _Named, data: OpenFolder, user: ServerUser, answer: pq.Ping
) -> EmbeddedError:
    if named.sockets is None:
        reason = "It listens on no Unix socket that pgbraid could use."
    elif answer == pq.Ping.OK:
        reason = (
            f"pgbraid cannot verify that the server on the socket in {named.sockets} is this "
            f"server, run by {shown_user(user.uid)}."
        )
    else:
        reason = f"It does not accept connections on its socket in {named.sockets}."
    return EmbeddedError(
        f"a server runs on {data.path} (process {named.pid}), and pgbraid cannot join it",
        detail=reason,
        hint="Stop that server and run the command again, or name it with `conninfo`.",
    )


def _named(data: OpenFolder) -> _Named | None:
    """Read ``postmaster.pid``; return None if it is missing or names no process."""
    info = data.look(_FILE)
    if info is None:
        return None
    if not stat.S_ISREG(info.st_mode):
        raise EmbeddedError(
            f"{data.path / _FILE} is not the file of a server",
            hint="Check the file and remove it, or name another folder with `embedded`.",
        )
    content = data.read(_FILE)
    lines = content.split("\n")
    if not re.fullmatch("[1-9][0-9]{0,8}", lines[0].strip()):
        return None
    port, place = (lines[at].strip() if len(lines) > at else "" for at in (_PORT, _SOCKETS))
    return _Named(
        content,
        int(lines[0]),
        int(port) if re.fullmatch("[1-9][0-9]{0,4}", port) else PORT,
        None
        if not place or place.startswith("@") or "," in place or "\0" in place
        else Path(os.path.normpath(data.path / place)),
    )


def _process(pid: int, data: OpenFolder, user: ServerUser) -> _Process:
    """Classify a process. The current folder of a server is its data directory."""
    try:
        os.kill(pid, 0)  # signal 0 sends nothing, and only checks that the process exists
    except OSError:
        return _Process.ABSENT
    facts = _facts(pid)
    if not facts:
        return _Process.UNKNOWN
    if str(user.uid) not in facts.get("Uid", "").split():
        return _Process.ABSENT
    if facts.get("State", "").startswith("Z"):
        return _Process.ANOTHER
    try:
        here = os.path.samestat(Path(f"/proc/{pid}/cwd").stat(), data.info())
    except OSError:
        return _Process.UNKNOWN
    return _Process.SERVER if here else _Process.ANOTHER


def _facts(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def clear_stale(data: OpenFolder, user: ServerUser) -> None:
    """Remove a ``postmaster.pid`` that is proven stale, but that PostgreSQL would not replace.

    Its pid belongs to another program of the same user, or to a zombie whose parent does not
    wait for it, as in many containers.
    """
    named = _named(data)
    if named is not None and _process(named.pid, data, user) is _Process.ANOTHER:
        # A server that started meanwhile has written the file again.
        again = _named(data)
        if again is not None and again.content == named.content:
            data.unlink(_FILE)


def is_running(data: OpenFolder, user: ServerUser) -> bool:
    """Return whether a server runs on a data directory, or may run; connect to none."""
    named = _named(data)
    return named is not None and _process(named.pid, data, user) not in {
        _Process.ABSENT,
        _Process.ANOTHER,
    }


def await_end(data: OpenFolder, user: ServerUser) -> None:
    """Wait until a server that is ending has ended, at most SERVER_TIMEOUT."""
    deadline = time.monotonic() + SERVER_TIMEOUT
    while (named := _named(data)) is not None and time.monotonic() < deadline:
        if _process(named.pid, data, user) in {_Process.ABSENT, _Process.ANOTHER}:
            return
        time.sleep(POLL)
