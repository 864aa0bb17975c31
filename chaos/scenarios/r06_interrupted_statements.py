"""Files without a transaction, interrupted: done and valid, or reported, and never in between.

A file of four statements builds two indexes, one of them IF NOT EXISTS, and a unique one, half of
the time over values that are there twice, and vacuums. Clients are killed, backends terminated and
cancelled, the server is killed; then ``up`` runs undisturbed, the doubles are taken away, and
``resume`` goes on.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psycopg

from chaos.checker import left_behind, set_of
from chaos.model import Tally

if TYPE_CHECKING:
    from random import Random

    from chaos.forks import Ended
    from chaos.lab import Lab
    from chaos.model import Result, Size
    from devtools.cluster import Cluster
    from devtools.database import Database

__all__ = ["control", "run"]

_ROWS = 40_000
_VERSION = "2"
_FILES = {
    "1_before.sql": "CREATE TABLE before (id int);\n",
    "2_indexes.sql": (
        "-- pgbraid: no-transaction\n"
        "CREATE INDEX CONCURRENTLY i_a ON t (a);\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i_b ON t (b, a);\n"
        "CREATE UNIQUE INDEX CONCURRENTLY i_c ON t (c);\n"
        "VACUUM t;\n"
    ),
    "3_after.sql": "CREATE TABLE after (id int);\n",
}
_INDEXES = """
SELECT indexrelid::regclass::text, indisvalid FROM pg_index
 WHERE indrelid = 't'::regclass ORDER BY 1
"""
_WANTED = [("i_a", True), ("i_b", True), ("i_c", True)]
_BACKENDS = """
SELECT {}(pid) FROM pg_stat_activity WHERE application_name LIKE 'pgbraid%%'
   AND datname = current_database() AND pid <> pg_backend_pid()
"""
_KINDS = ("killed", "pg_terminate_backend", "pg_cancel_backend", "server")
_LIVES = 40


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Interrupt runs until there were enough interruptions."""
    interruptions = _Interruptions(lab, rng)
    tally, wanted = interruptions.tally, size.of(4, 140)
    while tally.faults < wanted:
        with lab.cluster() as cluster:
            interruptions.measure(cluster)
            for _ in range(_LIVES):
                if tally.faults < wanted:
                    interruptions.trial(cluster, doubles=tally.trials % 2 == 1)
    tally.remarks.append(
        f"{interruptions.reported} of the next runs reported the file, the others finished it"
    )
    return tally.result()


class _Interruptions:
    """The trials, what came of them, and how long a run takes that nobody disturbs."""

    def __init__(self, lab: Lab, rng: Random) -> None:
        self.lab, self.rng = lab, rng
        self.tally = Tally()
        self.usual = 0.0
        self.reported = 0
        folder = lab.new_folder("indexes")
        folder.mkdir()
        for name, text in _FILES.items():
            (folder / name).write_text(text)
        self.words = ("--dir", str(folder))

    def measure(self, cluster: Cluster) -> None:
        """Run undisturbed."""
        database = _filled(cluster, doubles=False)
        begun = time.monotonic()
        self.call(database, "up")
        self.usual = time.monotonic() - begun

    def call(self, database: Database, *words: str) -> Ended:
        """Run a command to its end."""
        env = {"PGBRAID_DATABASE_URL": database.conninfo}
        return self.lab.forks.call(*words, *self.words, env=env)

    def trial(self, cluster: Cluster, *, doubles: bool) -> None:
        """Interrupt once or twice, then let it run, take the doubles away and complete it."""
        database = _filled(cluster, doubles=doubles)
        kinds = [self.rng.choice(_KINDS) for _ in range(self.rng.randint(1, 2))]
        found: list[str] = []
        for kind in kinds:
            self.tally.faults += self.interrupt(cluster, database, kind)
            found += _recorded_too_early(database)
        ended = self.call(database, "up")
        self.reported += ended.code != 0
        found += _recorded_too_early(database) + _reported(database, ended, doubles=doubles)
        found += self.completed(database, ended)
        database.drop()
        self.tally.trials += 1
        self.tally.note(f"trial {self.tally.trials}, {kinds}, doubles {doubles}", found)

    def interrupt(self, cluster: Cluster, database: Database, kind: str) -> int:
        """Begin a run and interrupt it at a moment of chance; return how often that met it."""
        env = {"PGBRAID_DATABASE_URL": database.conninfo}
        run = self.lab.forks.start("up", *self.words, env=env)
        time.sleep(self.rng.uniform(0.02, self.usual))
        hits = 1 if run.alive else 0
        if kind == "killed":
            run.send(signal.SIGKILL)
        elif kind == "server":
            cluster.kill()
            cluster.start()
        else:
            hits = sum(done for (done,) in database.rows(_BACKENDS.format(kind)))
        run.wait()
        return hits

    def completed(self, database: Database, ended: Ended) -> list[str]:
        """Take the doubles away, complete it and return what then is not as it must be."""
        database.run("DELETE FROM t WHERE ctid NOT IN (SELECT min(ctid) FROM t GROUP BY c)")
        if ended.code != 0:
            ended = self.call(database, "resume", _VERSION)
        found = [] if ended.code == 0 else [f"`resume` completes it without doubles; {ended}"]
        for command in ("up", "check"):
            ended = self.call(database, command)
            if ended.code != 0:
                found.append(f"a clean `{command}` ends with 0; {ended}")
        indexes, versions = database.rows(_INDEXES), set_of(database)
        if indexes != _WANTED or versions != [1, 2, 3]:
            found.append(f"all indexes are valid, all is applied; {indexes}, set {versions}")
        return found + left_behind(database)


def _filled(cluster: Cluster, *, doubles: bool) -> Database:
    database = cluster.database.new()
    twice = "n / 2" if doubles else "n"
    database.run(
        f"CREATE TABLE t AS SELECT n % 97 AS a, n AS b, {twice} AS c"
        f" FROM generate_series(1, {_ROWS}) AS n"
    )
    return database


def _recorded_too_early(database: Database) -> list[str]:
    """Return that the file is in the set, where its indexes are not all there and valid."""
    indexes, versions = database.rows(_INDEXES), set_of(database)
    if 2 in versions and indexes != _WANTED:
        return [f"2 is applied when its indexes are valid; set {versions}, indexes {indexes}"]
    if 3 in versions and 2 not in versions:
        return [f"3 does not run before 2 is done; set {versions}"]
    return []


def _reported(database: Database, ended: Ended, *, doubles: bool) -> list[str]:
    """Return in what the next run neither finished nor said which index is not right."""
    if ended.code == 0:
        return ["a unique index over doubles cannot be built; exit code 0"] if doubles else []
    said = ended.out + ended.err
    broken = [name for name, valid in database.rows(_INDEXES) if not valid] or ["2_indexes"]
    unnamed = [name for name in broken if name not in said]
    if ended.code != 3 or unnamed:
        return [f"it ends with 3 and names {broken}; {ended}"]
    return []


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Record the file when its statements were sent, as a tool with IF NOT EXISTS does."""
    with lab.database() as database:
        database.run(
            "CREATE TABLE t AS SELECT 1 AS a, 1 AS b, n / 2 AS c"
            f" FROM generate_series(1, {rng.randint(10, 20)}) AS n"
        )
        database.run("CREATE TABLE applied_migrations AS SELECT 1 AS version")
        for column in ("a", "b", "c"):
            unique = "UNIQUE" if column == "c" else ""
            statement = (
                f"CREATE {unique} INDEX CONCURRENTLY IF NOT EXISTS i_{column} ON t ({column})"
            )
            for _ in range(2):
                try:
                    database.run(statement)
                except psycopg.errors.UniqueViolation:
                    continue
        database.run("INSERT INTO applied_migrations VALUES (2)")
        return tuple(_recorded_too_early(database))
