"""Where the trouble is made: folders, servers and programs of the harness's own."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.forks import Forks
from chaos.workload import Workload, write_workload
from devtools.cluster import Cluster
from devtools.database import Database
from devtools.server import server_programs
from pgbraid.postgres.server.binaries import ServerBinaries, find_programs
from pgbraid.postgres.server.data_dir import temporary_data_parent
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.postgres.server.os_user import reachable_programs, server_user
from pgbraid.settings.environment import cache_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

__all__ = ["Lab", "open_lab"]


@dataclass(slots=True)
class Lab:
    """What scenarios share: server programs, a folder, a server, a way to start pgbraid."""

    programs: ServerBinaries
    folder: Path
    forks: Forks
    server: Database
    """A throw-away server's first database, for all that need not outlive the server."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def new_folder(self, name: str = "folder") -> Path:
        """Return the path of a folder that is not there yet."""
        return self.folder / f"{name}-{next(self._numbers)}"

    def workload(self, count: int, rng: Random | None = None) -> Workload:
        """Write a folder of migrations."""
        return write_workload(self.new_folder("migrations"), count, rng)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """Yield a new database on the throw-away server, dropped at the end."""
        database = self.server.new()
        try:
            yield database
        finally:
            database.drop()

    @contextmanager
    def cluster(self, **settings: str) -> Iterator[Cluster]:
        """Yield a server that survives being killed, with default settings but for those given."""
        cluster = Cluster(self.programs, self.new_folder("cluster"), settings)
        try:
            yield cluster.fill().start()
        finally:
            cluster.remove()

    @contextmanager
    def standby(self, primary: Cluster, **settings: str) -> Iterator[Cluster]:
        """Yield a streaming standby of a cluster."""
        cluster = Cluster(self.programs, self.new_folder("standby"), settings)
        try:
            yield cluster.fill_from(primary).start()
        finally:
            cluster.remove()


@contextmanager
def open_lab(programs: str | None = None) -> Iterator[Lab]:
    """Yield a lab; ``programs`` is a folder of server programs, else the packaged ones.

    Its folder is in memory where there is room. A killed server loses what it has not written,
    and keeps what it has, on a disk as in memory; only the loss of power would tell the two
    apart, and none is tried here.
    """
    found = find_programs(programs) if programs else server_programs()
    with ExitStack() as stack:
        folder = Path(
            tempfile.mkdtemp(prefix="pgbraid-chaos-", dir=temporary_data_parent(server_user()))
        )
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # the server's user passes it
        runs = folder / "runs"
        runs.mkdir()
        forks = Forks(runs)
        stack.callback(forks.close)
        server = stack.enter_context(embedded_server(programs=str(found.folder), cache=cache_dir()))
        reachable = reachable_programs(found, server_user())
        yield Lab(reachable, folder, forks, Database(server.conninfo))
