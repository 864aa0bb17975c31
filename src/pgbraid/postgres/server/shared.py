"""Runs one temporary server for all processes of a run, such as the workers of pytest-xdist.

The first process that asks starts the server, and writes the path of the server's private folder
to a file of the run. The others read the file and hold the server's FIFO open. The last one to
leave ends the server. If all are killed, the server's watcher ends it, and removes its data.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import EmbeddedError
from pgbraid.postgres.server.data_dir import (
    fits_socket,
    is_in_memory,
    private_places,
    short_folder,
    temporary_data_parent,
)
from pgbraid.postgres.server.embedded import TEMPORARY_OPTIONS, Embedded
from pgbraid.postgres.server.private_folders import (
    PREFIX,
    hold_temporary,
    make_private,
    sweep,
)
from pgbraid.postgres.server.process import (
    POLL,
    SERVER_TIMEOUT,
    Start,
    await_ready,
    conninfo_of,
    end_process,
    has_ended,
    signals_blocked,
    start_server,
)
from pgbraid.postgres.server.safe_files import open_folder

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from pgbraid.postgres.server.binaries import ServerBinaries
    from pgbraid.postgres.server.os_user import ServerUser
    from pgbraid.postgres.server.safe_files import OpenFolder

if sys.platform != "win32":
    import fcntl

__all__ = ["SharedServer", "joined_server", "shared_server"]

_RUN = re.compile(r"run-(?P<run>[0-9a-z]+)\.(?:lock|users)")
_TURN = 600.0
"""Seconds to wait for the first process of the run: it may run many migrations meanwhile."""
_PAUSE = 0.01
_QUIT = signal.SIGQUIT


@dataclass(frozen=True, slots=True)
class SharedServer:
    """A server that the processes of a run share."""

    server: Embedded
    base: Path
    """The private folder of the server."""
    held: int
    """An open file that keeps the server alive."""
    process: subprocess.Popen[bytes] | None
    """The server's process, if this process started it."""

    @property
    def in_memory(self) -> bool:
        """Whether the server's data are in memory."""
        return is_in_memory(self.base)


@contextmanager
def shared_server(
    meeting: Path,
    run: str,
    programs: ServerBinaries,
    user: ServerUser,
    fill: Callable[[OpenFolder], object],
) -> Iterator[SharedServer]:
    """Start the server of a run or join it, as long as the block lasts.

    ``meeting`` is a folder that only we can change, ``run`` the name of the run in lower-case
    letters and digits. ``fill`` creates the data directory ``data`` in a folder. Raises
    EmbeddedError, OSError, and the errors of ``fill``.
    """
    ours = os.getpid()
    with open_folder(meeting, follow=True) as place:
        with _locked(place, run):
            shared = _join(place, run, programs, user) or _lead(place, run, programs, user, fill)
            # Opened under the lock: another run must not remove the file as abandoned before.
            users = place.open_own(f"run-{run}.users", os.O_RDWR)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield shared
        finally:
            if os.getpid() == ours:  # a forked child leaves the server to its parent
                with signals_blocked():
                    _leave(place, run, users, shared, user)
            os.close(users)


@contextmanager
def joined_server(
    meeting: Path, run: str, programs: ServerBinaries, user: ServerUser
) -> Iterator[SharedServer | None]:
    """Hold the server of a run as one of its processes, if it runs, as long as the block lasts.

    Raises EmbeddedError and OSError.
    """
    with open_folder(meeting, follow=True) as place:
        with _locked(place, run):
            shared = _join(place, run, programs, user)
            users = place.open_own(f"run-{run}.users", os.O_RDWR)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield shared
        finally:
            if shared is not None:
                with signals_blocked():
                    _leave(place, run, users, shared, user)
            os.close(users)


@contextmanager
def _locked(place: OpenFolder, run: str) -> Iterator[None]:
    deadline = time.monotonic() + _TURN
    while True:
        file = place.open_own(f"run-{run}.lock", os.O_RDWR)
        try:
            if _takes_lock(file, fcntl.LOCK_EX):
                # A process that left meanwhile may have removed the file.
                now = place.look(f"run-{run}.lock")
                if now is not None and os.path.samestat(now, os.fstat(file)):
                    yield
                    return
        finally:
            os.close(file)
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"another process of this run has held {place.path / f'run-{run}.lock'} for "
                f"{_TURN:g} s",
                hint="Find out why that process is stuck, end it, and run the tests again.",
            )
        time.sleep(_PAUSE)


def _takes_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _join(
    place: OpenFolder, run: str, programs: ServerBinaries, user: ServerUser
) -> SharedServer | None:
    """Return the run's server if it runs."""
    named = place.read(f"run-{run}.lock").strip()
    if not named:
        return None
    base = Path(named)
    held = hold_temporary(base)
    if held is None:
        return None
    server = Embedded(conninfo_of(base / "run", user), programs)
    return SharedServer(server, base, held, None)


def _lead(
    place: OpenFolder,
    run: str,
    programs: ServerBinaries,
    user: ServerUser,
    fill: Callable[[OpenFolder], object],
) -> SharedServer:
    """Start the run's server, and name it in the run's file."""
    sweep(private_places(user), user)
    _sweep_runs(place, run)
    parent = temporary_data_parent(user)
    if not fits_socket(parent / f"{PREFIX}12345678" / "run"):
        parent = short_folder(user)
    process: subprocess.Popen[bytes] | None = None
    with signals_blocked():
        base = make_private(parent, user)
    try:
        fill(base.folder)
        base.make("run")
        log = base.folder.open_own("log", os.O_WRONLY | os.O_APPEND)
        try:
            with signals_blocked():
                data = str(base.path / "data")
                start = Start(
                    programs, user, base.path, data, base.sockets, "QUIT", TEMPORARY_OPTIONS
                )
                process = start_server(start, base.reader, log)
        finally:
            os.close(log)
        conninfo = conninfo_of(base.sockets, user)
        await_ready(conninfo, process, base.path / "log")
        _write(place, f"run-{run}.lock", str(base.path))
        shared = SharedServer(Embedded(conninfo, programs), base.path, os.dup(base.writer), process)
    except BaseException:
        with signals_blocked():
            if process is not None:
                has_ended(process, _QUIT)
            base.remove()
        raise
    base.close()
    return shared


def _write(place: OpenFolder, name: str, text: str) -> None:
    file = place.open_own(name, os.O_RDWR | os.O_TRUNC)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _leave(place: OpenFolder, run: str, users: int, shared: SharedServer, user: ServerUser) -> None:
    """Stop using the server; the last process of the run ends it and removes its folder."""
    process, held = shared.process, shared.held
    try:
        with suppress(EmbeddedError, OSError), _locked(place, run):
            fcntl.flock(users, fcntl.LOCK_UN)
            if _is_last(place, run):
                if process is not None:
                    end_process(process, _QUIT)
                os.close(held)
                held = -1
                _await_watcher(shared.base)
                sweep([shared.base.parent], user)
                for kind in ("users", "lock"):
                    place.unlink(f"run-{run}.{kind}")
    finally:
        if held >= 0:
            os.close(held)
        if process is not None and process.returncode is None:
            # The server continues for other processes. A return code keeps Popen from warning
            # that its child still runs.
            process.returncode = 0


def _is_last(place: OpenFolder, run: str) -> bool:
    file = place.open_own(f"run-{run}.users", os.O_RDWR)
    try:
        return _takes_lock(file, fcntl.LOCK_EX)
    finally:
        os.close(file)


def _await_watcher(base: Path) -> None:
    """Wait until the server's watcher has ended the server and removed its data."""
    deadline = time.monotonic() + SERVER_TIMEOUT
    while (file := hold_temporary(base)) is not None and time.monotonic() < deadline:
        os.close(file)
        time.sleep(POLL)


def _sweep_runs(place: OpenFolder, ours: str) -> None:
    """Remove the files of runs whose processes have all ended."""
    for name in place.names():
        match = _RUN.fullmatch(name)
        if match is None or match["run"] == ours:
            continue
        with suppress(OSError, EmbeddedError):
            _sweep_run(place, match["run"])


def _sweep_run(place: OpenFolder, run: str) -> None:
    file = place.open_own(f"run-{run}.lock", os.O_RDWR)
    try:
        if _takes_lock(file, fcntl.LOCK_EX) and _is_last(place, run):
            for kind in ("users", "lock"):
                place.unlink(f"run-{run}.{kind}")
    finally:
        os.close(file)
