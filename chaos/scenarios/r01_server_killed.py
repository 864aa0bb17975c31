"""The server is killed, everywhere in a run: what was told stays, and what stays is a prefix.

Half of the runs begin on a fresh database, where commits need not wait for the disk one by one;
the WAL writer is told to bring nothing there by itself. In a third of the trials the client dies
with its server.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from chaos.checker import contradictions, look, settle
from chaos.model import Tally

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size
    from devtools.cluster import Cluster
    from devtools.database import Database

__all__ = ["control", "run"]

_LIVES = 25
"""How often one data directory sees its server die before it is replaced."""
_FRESH, _USED = 180, 60
"""Migrations of a run: on a fresh database they take a quarter of the time each."""
_SETTINGS = {"wal_writer_delay": "10s"}


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Kill, look, start again, look, go on to the end, look."""
    killings = _Killings(lab, rng)
    tally, wanted = killings.tally, size.of(3, 300)
    while tally.trials < wanted:
        with lab.cluster(**_SETTINGS) as cluster:
            killings.measure(cluster)
            for _ in range(min(_LIVES, wanted - tally.trials)):
                killings.trial(cluster, fresh=tally.trials % 2 == 0)
    tally.faults = tally.trials
    tally.remarks.append(
        f"{killings.midway} between the first and the last commit; {killings.told} migrations "
        "were told of before"
    )
    return tally.result()


class _Killings:
    """The trials, what came of them, and how long a run takes that nobody disturbs."""

    def __init__(self, lab: Lab, rng: Random) -> None:
        self.lab, self.rng = lab, rng
        self.tally = Tally()
        self.works = {True: lab.workload(_FRESH), False: lab.workload(_USED)}
        self.usual = {True: 0.0, False: 0.0}
        self.midway = self.told = 0

    def measure(self, cluster: Cluster) -> None:
        """Run undisturbed."""
        for fresh, work in self.works.items():
            database = _begin(cluster, fresh=fresh)
            begun = time.monotonic()
            self.lab.forks.call("up", *work.words, env=_env(database))
            self.usual[fresh] = time.monotonic() - begun
            database.drop()

    def trial(self, cluster: Cluster, *, fresh: bool) -> None:
        """Run, kill the server at a moment of chance, start it again and look."""
        work, pause = self.works[fresh], self.rng.uniform(0, self.usual[fresh])
        database = _begin(cluster, fresh=fresh)
        run = self.lab.forks.start("up", *work.words, env=_env(database))
        time.sleep(pause)
        if self.rng.random() < 1 / 3:
            run.send(signal.SIGKILL)
        cluster.kill()
        cluster.start()
        ended = run.wait()
        seen = look(database)
        found = contradictions(seen, told=ended.told)
        if ended.told != list(range(1, len(ended.told) + 1)):
            found.append(f"what is told has no hole; {ended.told}")
        if ended.code == 0 and seen.applied != work.versions:
            found.append(f"a run that ended with 0 is whole; {ended}, set {seen.applied}")
        if ended.code not in {0, 4, -9}:
            found.append(f"a run whose server dies ends with 4; {ended}")
        found += settle(self.lab.forks, database, work)
        database.drop()
        self.midway += 0 < len(seen.applied) < work.count
        self.told += len(ended.told)
        self.tally.trials += 1
        self.tally.note(f"trial {self.tally.trials}, fresh {fresh}, {pause:.3f} s", found)


def _begin(cluster: Cluster, *, fresh: bool) -> Database:
    database = cluster.database.new()
    if not fresh:
        database.run("CREATE TABLE before (id int)")
    return database


def _env(database: Database) -> dict[str, str]:
    return {"PGBRAID_DATABASE_URL": database.conninfo}


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Lose what was told of: with synchronous_commit off and no last flush, a server does."""
    work = lab.workload(5)
    with lab.cluster(**_SETTINGS) as cluster:
        database = cluster.database.new()
        words = ("up", *work.words, "--to", str(rng.randint(2, 4)))
        told = lab.forks.call(*words, env=_env(database)).told
        with database.connect() as connection:
            connection.execute("CHECKPOINT")
            connection.execute("SET synchronous_commit = off")
            connection.execute("INSERT INTO applied_migrations VALUES (5, 't')")
            connection.execute("INSERT INTO log VALUES (5)")
        cluster.kill()
        cluster.start()
        return tuple(contradictions(look(database), told=[*told, 5]))
