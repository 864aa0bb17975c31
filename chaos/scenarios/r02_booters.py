"""Fifty boots at once, on a direct connection: each migration runs once, and nobody fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from chaos.booting import boot_all, waits
from chaos.checker import contradictions, look
from chaos.model import Tally
from chaos.workload import trace

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size
    from devtools.database import Database

__all__ = ["control", "run"]

_MIGRATIONS = 30


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Boot on databases that are fresh and on others that are not."""
    tally, rounds = Tally(), []
    boots = size.of(6, 50)
    for number in range(size.of(1, 10)):
        with lab.database() as database:
            if number % 2:
                database.run("CREATE TABLE before (id int)")
            whole = number == 0
            work = lab.workload(_MIGRATIONS, rng if number % 3 else None)
            rounds.append(boot_all(lab, database, work, count=boots, whole=whole))
        tally.trials += 1
        tally.faults += boots
        tally.note(f"round {number + 1}", rounds[-1].found)
    tally.remarks.append(f"{boots} boots at once; {waits(rounds)}")
    return tally.result()


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Run what has no lock and no key: each looks, sees nothing applied, and applies it."""
    with lab.database() as database:
        database.run(
            "CREATE TABLE applied_migrations (version bigint); CREATE TABLE log (version int)"
        )
        barrier = threading.Barrier(rng.randint(3, 5))
        boots = [
            threading.Thread(target=_naive_boot, args=(database, barrier))
            for _ in range(barrier.parties)
        ]
        for boot in boots:
            boot.start()
        for boot in boots:
            boot.join()
        return tuple(contradictions(look(database)))


def _naive_boot(database: Database, barrier: threading.Barrier) -> None:
    with database.connect() as connection:
        applied = connection.execute("SELECT count(*) FROM applied_migrations").fetchone()
        barrier.wait()
        with database.connect() as single:
            single.execute("SELECT pg_advisory_lock(1)")  # so that they do not fail at CREATE TABLE
            if applied == (0,):
                single.execute(trace(1).encode())
                single.execute("INSERT INTO applied_migrations VALUES (1)")
