"""The server that already runs on a data directory: found, proven to be that one, and joined.

What stands in a data directory is the word of anybody who may write there: a program that a
migration has started, or the author of an archive. So ``postmaster.pid`` only says where to look.
A server of ours is known by the private folder of its socket. Any other one is joined where the
user runs it who would run ours, and where it says that it serves this very folder. No process is
ever signalled by its number, and a server that somebody else started is never stopped.
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
from pgbraid.postgres.server.process import PATIENCE, POLL, PORT, conninfo_of, ping
from pgbraid.postgres.server.safe_files import name_of, shown_user

if TYPE_CHECKING:
    from pgbraid.postgres.server.os_user import ServerUser
    from pgbraid.postgres.server.safe_files import OpenFolder

__all__ = ["Running", "await_end", "clear_stale", "join_server"]

_FILE = "postmaster.pid"
_PORT, _SOCKETS = 3, 4
_PAUSE = 0.02
_SILENCE = 10.0
"""Seconds after which a server that does not answer on its socket is given up."""


class _Process(Enum):
    """What the process is that ``postmaster.pid`` names."""

    ABSENT = auto()
    """There is none, or none that PostgreSQL itself could take for the server."""
    ANOTHER = auto()
    """It is dead, or it does something else; PostgreSQL would take it for the server."""
    SERVER = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs on the data directory, and how it is reached."""

    sockets: Path
    conninfo: str
    held: int | None
    """An open file that keeps a server of ours alive; None for somebody else's server."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What ``postmaster.pid`` says."""

    content: str
    pid: int
    port: int
    sockets: Path | None


def join_server(data: OpenFolder, user: ServerUser) -> Running | None:
    """Return the server that runs on a data directory, once it takes connections.

    None where there is none. Raises EmbeddedError where one runs that cannot be joined.
    """
    begun = time.monotonic()
    while (named := _named(data)) is not None:
        process = _process(named.pid, data, user)
        if process in {_Process.ABSENT, _Process.ANOTHER}:
            return None
        answer, running = _try_to_join(named, data, user)
        if running is not None:
            return running
        if process is _Process.UNKNOWN and answer == pq.Ping.NO_RESPONSE:
            return None  # PostgreSQL looks for itself, and refuses to start where one runs
        if time.monotonic() - begun > (PATIENCE if answer == pq.Ping.REJECT else _SILENCE):
            raise _not_joined(named, data, user, answer)
        time.sleep(_PAUSE)
    return None


def _try_to_join(
    named: _Named, data: OpenFolder, user: ServerUser
) -> tuple[pq.Ping, Running | None]:
    if named.sockets is None:
        return pq.Ping.NO_RESPONSE, None
    conninfo = conninfo_of(named.sockets, user, named.port)
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
    """Whether a server that the expected user runs says that it serves this data directory."""
    if name_of(user.uid) is None:
        return False  # libpq cannot tell who runs it
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
            f"What answers in {named.sockets} is not known to be that server, run by "
            f"{shown_user(user.uid)}."
        )
    else:
        reason = f"It does not take connections on its socket in {named.sockets}."
    return EmbeddedError(
        f"a server runs on {data.path} (process {named.pid}), and pgbraid cannot join it",
        detail=reason,
        hint="Stop that server and run the command again, or name it with `conninfo`.",
    )


def _named(data: OpenFolder) -> _Named | None:
    """Read ``postmaster.pid``; None where it is not there or names no process."""
    info = data.look(_FILE)
    if info is None:
        return None
    if not stat.S_ISREG(info.st_mode):
        raise EmbeddedError(
            f"{data.path / _FILE} is not the file of a server",
            hint="Look what it is and remove it, or name another folder with `embedded`.",
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
    """Say what a process is. A server's current folder is its data directory."""
    try:
        os.kill(pid, 0)  # this sends nothing, and only asks whether the process is there
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
    """Remove a ``postmaster.pid`` that is proven stale and that PostgreSQL would not replace.

    That is one whose number is now another process's of the same user, or that of a dead process
    whose parent has not asked for its end, as in many containers.
    """
    named = _named(data)
    if named is not None and _process(named.pid, data, user) is _Process.ANOTHER:
        again = _named(data)
        if again is not None and again.content == named.content:
            data.unlink(_FILE)


def await_end(data: OpenFolder, user: ServerUser) -> None:
    """Wait until the server that was told to end has ended, as long as that takes at most."""
    deadline = time.monotonic() + PATIENCE
    while (named := _named(data)) is not None and time.monotonic() < deadline:
        if _process(named.pid, data, user) in {_Process.ABSENT, _Process.ANOTHER}:
            return
        time.sleep(POLL)
