"""A server on a data directory of its own, which may be killed, started again and copied."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.processes import family, kill_family
from devtools.checkout import Skip
from devtools.database import Database
from pgbraid.postgres.server.data_dir import fresh_data
from pgbraid.postgres.server.os_user import server_user
from pgbraid.postgres.server.process import SERVER_OPTIONS, await_ready, conninfo_of, end_process
from pgbraid.postgres.server.safe_files import open_folder
from pgbraid.settings.environment import cache_dir

if TYPE_CHECKING:
    from pgbraid.postgres.server.binaries import ServerBinaries

__all__ = ["Cluster", "socket_folder"]

_SEGMENT = re.compile(r"(/dev/shm/PostgreSQL\.\d+)")


@dataclass(slots=True)
class Cluster:
    """One data directory, with default settings but for those named, and its server.

    The server's socket stays where it is over the server's deaths, so that clients find it.
    """

    programs: ServerBinaries
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    sockets: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None
    _segments: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the folders; there are no data yet."""
        self.folder.mkdir(mode=0o755)
        self.sockets = socket_folder()

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def database(self) -> Database:
        """The database that every cluster has."""
        return Database(conninfo_of(self.sockets))

    def fill(self) -> Cluster:
        """Put data there as initdb makes them."""
        with open_folder(self.folder) as place:
            fresh_data(self.programs, server_user(), cache_dir(), place)
        return self

    def fill_from(self, other: Cluster) -> Cluster:
        """Take a copy of a running server, as its standby."""
        server_user().chown(self.folder)
        if not Path(self.programs.path("pg_basebackup")).exists():
            raise Skip("these server programs have no pg_basebackup")
        command = [self.programs.path("pg_basebackup"), "-D", str(self.data), "-R", "-X", "stream"]
        subprocess.run(
            [*command, "-c", "fast", "--no-sync", "-d", conninfo_of(other.sockets)],
            check=True,
            cwd="/",
            **server_user().popen(),
        )
        return self

    def start(self) -> Cluster:
        """Start the server and wait until it takes connections."""
        await_ready(conninfo_of(self.sockets), self.launch(), self.folder / "log")
        return self

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server and wait for nothing."""
        options = [word for pair in self.settings.items() for word in ("-c", "=".join(pair))]
        places = ["-D", str(self.data), "-k", str(self.sockets)]
        with (self.folder / "log").open("ab") as file:
            self.process = subprocess.Popen(
                [self.programs.path("postgres"), *places, *SERVER_OPTIONS, *options],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd="/",
                start_new_session=True,
                **server_user().popen(),
            )
        return self.process

    def kill(self) -> None:
        """Kill the server with all its processes, without any farewell."""
        if self.process is not None:
            self._segments |= _shared_memory(self.process.pid)
            kill_family(self.process.pid)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self.process is not None:
            end_process(self.process, signal.SIGINT)
            self.process = None

    def remove(self) -> None:
        """Kill the server and remove all that was its own, the memory that it shared too."""
        self.kill()
        for segment in self._segments:
            segment.unlink(missing_ok=True)
        shutil.rmtree(self.sockets, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def socket_folder() -> Path:
    """Make a folder for sockets, whose path is short and which the server's user owns."""
    folder = Path(tempfile.mkdtemp(prefix="pgbraid-chaos-", dir="/tmp"))
    server_user().chown(folder)
    return folder


def _shared_memory(pid: int) -> set[Path]:
    """Return the files in memory that a server's processes share, which its death leaves there."""
    found: set[Path] = set()
    for each in family(pid):
        with suppress(OSError):
            found |= {Path(p) for p in _SEGMENT.findall(Path(f"/proc/{each}/maps").read_text())}
    return found
