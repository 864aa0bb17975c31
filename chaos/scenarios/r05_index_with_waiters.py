"""CREATE INDEX CONCURRENTLY while other runs wait for the lock, and others idle elsewhere.

It waits for every snapshot of the database that is older than its own. A run that waited inside
the server would have one, and would wait for the lock of the run that waits for it.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg

from chaos.booting import told_twice
from chaos.checker import left_behind, set_of
from chaos.model import Tally
from devtools.database import await_true

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size
    from devtools.database import Database

__all__ = ["control", "run"]

_BOUND = 60.0
_IDLERS = 5
_ROWS = 20_000
_BUILDS = """
SELECT count(*) > 0 FROM pg_stat_activity
 WHERE query ~ '^\\s*CREATE INDEX CONCURRENTLY' AND state = 'active'
   AND datname = current_database()
"""
_VALID = """
SELECT coalesce(bool_and(indisvalid), false) FROM pg_index
 WHERE indexrelid::regclass::text ~ '^i_'
"""


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Let 1, 5 and 20 others wait; in every other trial a stranger delays the index."""
    tally, slowest = Tally(), 0.0
    waiters = (1, 5, 20) if size.of(0, 1) else (3,)
    for number in range(size.of(1, 4)):
        for count in waiters:
            with lab.database() as database, lab.database() as elsewhere:
                begun = time.monotonic()
                delay = rng.uniform(0.3, 1.5) if number % 2 == 0 else 0.0
                found = _trial(lab, (database, elsewhere), count, delay)
                slowest = max(slowest, time.monotonic() - begun)
            tally.trials += 1
            tally.faults += count
            tally.note(f"{count} waiters, held back {delay:.1f} s", found)
    tally.remarks.append(f"the slowest trial took {slowest:.1f} s")
    return tally.result()


def _trial(lab: Lab, databases: tuple[Database, Database], waiters: int, delay: float) -> list[str]:
    database, elsewhere = databases
    database.run(f"CREATE TABLE t AS SELECT generate_series(1, {_ROWS}) AS a, 1 AS b")
    folder = lab.new_folder("concurrent")
    folder.mkdir()
    (folder / "1_a.sql").write_text("SELECT pg_sleep(0.2); CREATE TABLE a (id int);\n")
    for version, column in ((2, "a"), (3, "b")):
        (folder / f"{version}_i.sql").write_text(
            f"-- pgbraid: no-transaction\nCREATE INDEX CONCURRENTLY i_{column} ON t ({column});\n"
        )
    (folder / "4_b.sql").write_text("CREATE TABLE b (id int);\n")
    env = {"PGBRAID_DATABASE_URL": database.conninfo}
    with ExitStack() as stack:
        for _ in range(_IDLERS):
            idler = stack.enter_context(elsewhere.connect())
            idler.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            idler.execute("SELECT 1")
        stranger = stack.enter_context(database.connect())
        if delay:
            stranger.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        runs = [lab.forks.start("up", "--dir", str(folder), env=env) for _ in range(waiters + 1)]
        if delay:
            await_true(lambda: bool(database.value(_BUILDS)), 10)
            time.sleep(delay)
            stranger.execute("COMMIT")
        deadline = time.monotonic() + _BOUND
        ended = tuple(run.wait(max(0.0, deadline - time.monotonic())) for run in runs)
    found = [f"every run ends with 0 in {_BOUND:.0f} s; {each}" for each in ended if each.code != 0]
    found += told_twice(ended)
    if set_of(database) != [1, 2, 3, 4]:
        found.append(f"all four are applied; set {set_of(database)}")
    if not database.value(_VALID):
        found.append("both indexes are there and valid; they are not")
    return found + left_behind(database)


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Wait inside the server, as most tools do: a deadlock, and an index that is not valid."""
    said: list[str] = []
    with lab.database() as database, database.connect() as holder, database.connect() as waiter:
        database.run(f"CREATE TABLE t AS SELECT generate_series(1, {_ROWS}) AS a")
        key = rng.randrange(1 << 31)
        holder.execute("SELECT pg_advisory_lock(%s)", (key,))
        holder.execute("SET statement_timeout = '20s'")

        def wait() -> None:
            try:
                waiter.execute("SELECT pg_advisory_lock(%s)", (key,))
            except psycopg.Error as error:
                said.append(f"the waiter: {type(error).__name__}")

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        try:
            holder.execute("CREATE INDEX CONCURRENTLY i_a ON t (a)")
        except psycopg.Error as error:
            said.append(f"the index: {type(error).__name__}")
        holder.close()
        thread.join()
        if not database.value(_VALID):
            said.append("both indexes are there and valid; they are not")
    return tuple(said)
