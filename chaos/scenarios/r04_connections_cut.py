"""Connections are cut at every message, clients killed, backends terminated and cancelled.

One run is cut before each message of the protocol in turn, and in the middle of it; then three
runners race, again and again, while a proxy cuts at bytes of chance, runners are killed, and a
stranger ends or cancels their backends.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from chaos.booting import told_twice
from chaos.checker import contradictions, look, settle
from chaos.model import Tally
from chaos.racing import Race
from devtools.cutting_proxy import Cutter

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size
    from chaos.workload import Workload
    from devtools.cutting_proxy import Moment
    from devtools.database import Database

__all__ = ["control", "run"]

_SWEPT, _RACED = 3, 40
_BUDGET = 60_000
"""Bytes after which a connection is cut, at most.

A run that applies something sends some 20,000 before its first migration, and a whole race
250,000; with less a race would not end."""
_BACKENDS = """
SELECT {} FROM pg_stat_activity
 WHERE application_name LIKE 'pgbraid%%' AND datname = current_database()
   AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
"""
_ENDS = {
    "cut": {0, 4},
    "killed": {0, -9},
    "terminated": {0, 3, 4},
}


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Sweep, then race."""
    tally = Tally()
    for fresh in (True, False):
        _sweep(lab, tally, rng, fresh=fresh, every=size.of(60, 1))
    swept = tally.faults
    for kind in _ENDS:
        before, most = tally.faults, size.of(6, 180)
        while tally.faults - before < most:
            _race(lab, tally, rng, kind, lab.workload(size.of(10, _RACED), rng))
    tally.remarks.append(f"{swept} of the faults each at another message of a run")
    return tally.result()


def _database(database: Database, *, fresh: bool) -> None:
    if not fresh:
        database.run("CREATE TABLE before (id int)")


def _sweep(lab: Lab, tally: Tally, rng: Random, *, fresh: bool, every: int) -> None:
    """Cut before, or within, the n-th message, for every n of a run."""
    work = lab.workload(_SWEPT)
    number, all_sent = rng.randint(1, every), False
    while not all_sent:
        with lab.database() as database:
            _database(database, fresh=fresh)
            keep = _at_message(number, rng.random() if number % 2 else 0.0)
            cutter = Cutter(database, keep, abort=rng.random() < 0.5)
            env = {"PGBRAID_DATABASE_URL": cutter.conninfo}
            ended = lab.forks.call("up", *work.words, env=env)
            found = contradictions(look(database), told=ended.told)
            all_sent = cutter.cuts == 0
            if ended.code not in ({0} if all_sent else {0, 4}):
                found.append(f"a run that is cut ends with 4, or 0 at its end; {ended}")
            found += settle(lab.forks, database, work)
            cutter.close()
        tally.trials += 1
        tally.faults += cutter.cuts
        tally.note(f"cut at message {number}, fresh {fresh}", found)
        number += every


def _at_message(number: int, share: float) -> Callable[[Moment], int | None]:
    def keep(moment: Moment) -> int | None:
        return int(share * moment.size) if moment.message == number else None

    return keep


def _race(lab: Lab, tally: Tally, rng: Random, kind: str, work: Workload) -> None:
    with lab.database() as database:
        _database(database, fresh=rng.random() < 0.5)
        cutter = Cutter(database, _after_bytes(rng), abort=rng.random() < 0.5)
        through = cutter.conninfo if kind == "cut" else database.conninfo
        race = Race(lab, database, work, through)
        hits = _Hits(rng)
        disturbances = {"killed": hits.kill, "terminated": hits.terminate}
        found = race.run(disturbances.get(kind, lambda _: None), rng)
        cutter.close()
        found += race.odd_ends(_ENDS[kind])
        found += told_twice(tuple(race.ended))
        found += contradictions(look(database), told=race.told)
        found += settle(lab.forks, database, work)
    tally.trials += 1
    tally.faults += cutter.cuts + hits.count
    tally.note(f"race, {kind}, {cutter.cuts + hits.count} times", found)


def _after_bytes(rng: Random) -> Callable[[Moment], int | None]:
    """Give each connection a number of bytes that it may send before it is cut."""
    budgets: dict[int, int] = {}

    def keep(moment: Moment) -> int | None:
        budget = budgets.setdefault(moment.connection, rng.randint(100, _BUDGET))
        left = budget - moment.sent
        return left if left < moment.size else None

    return keep


class _Hits:
    """What is done to runners from outside, and how often it was."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.count = 0

    def kill(self, race: Race) -> None:
        """Kill one of the runners, most of the time."""
        if self.rng.random() < 0.6 and self.count < 15:
            self.count += self.rng.choice(race.runners).send(signal.SIGKILL)

    def terminate(self, race: Race) -> None:
        """Have the server end one of their backends, or what it does."""
        if self.rng.random() < 0.6 and self.count < 15:
            function = self.rng.choice(["pg_terminate_backend(pid)", "pg_cancel_backend(pid)"])
            self.count += sum(done for (done,) in race.database.rows(_BACKENDS.format(function)))


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Break the set by hand in every way that a cut could: each must be seen."""
    work = lab.workload(6)
    said = []
    for statement in (
        "DELETE FROM applied_migrations WHERE version = {}",
        "DROP TABLE t{}",
        "INSERT INTO log VALUES ({})",
        "DELETE FROM log WHERE version = {}",
    ):
        with lab.database() as database:
            env = {"PGBRAID_DATABASE_URL": database.conninfo}
            told = lab.forks.call("up", *work.words, env=env).told
            if found := contradictions(look(database), told=told):
                return ()
            database.run(statement.format(rng.choice(work.versions[1:-1])))
            found = contradictions(look(database), told=told)
            if not found:
                return ()
            said.append(f"{statement.partition(' ')[0]}: {found[0]}")
    return tuple(said)
