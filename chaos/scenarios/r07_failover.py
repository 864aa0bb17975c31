"""The primary dies in a run, its synchronous standby is promoted, and the run goes on there.

Advisory locks are not replicated, so nothing keeps two servers apart; what is looked for is that
the set and what it stands for went over together, and that nothing told of stayed behind.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from chaos.checker import contradictions, look, settle
from chaos.model import Tally
from devtools.database import await_true

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size

__all__ = ["control", "run"]

_SETTINGS = {"synchronous_standby_names": "*", "synchronous_commit": "on"}
_STREAMS = "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
_HAS_IT = "SELECT count(*) = 1 FROM pg_database WHERE datname = 'app'"
_STANDBY = {"wal_retrieve_retry_interval": "100ms"}
_NAME = "app"
_MIGRATIONS = 120


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Fail over in the middle of runs, on fresh databases and others."""
    tally, midway, told = Tally(), 0, 0
    for number in range(size.of(1, 24)):
        with lab.cluster() as primary, lab.standby(primary, **_STANDBY) as standby:
            database = primary.database.new(_NAME)
            if number % 2:
                database.run("CREATE TABLE before (id int)")
            for name, value in _SETTINGS.items():
                primary.database.run(f"ALTER SYSTEM SET {name} = '{value}'")
            primary.database.run("SELECT pg_reload_conf()")
            if not await_true(lambda: bool(primary.database.value(_STREAMS))):
                tally.note(f"trial {number + 1}", ["the standby streams; it does not"])
                continue
            work = lab.workload(_MIGRATIONS, rng if number % 3 == 0 else None)
            runner = lab.forks.start(
                "up", *work.words, env={"PGBRAID_DATABASE_URL": database.conninfo}
            )
            time.sleep(rng.uniform(0.05, 0.8))
            primary.kill()
            if number % 2:
                runner.send(signal.SIGKILL)
            standby.database.run("SELECT pg_promote()")
            new = standby.database.named(_NAME)
            seen, ended = look(new), runner.wait()
            found = contradictions(seen, told=ended.told)
            found += settle(lab.forks, new, work)
            midway += 0 < len(seen.applied) < work.count
            told += len(ended.told)
        tally.trials += 1
        tally.faults += 1
        tally.note(f"trial {tally.trials}", found)
    tally.remarks.append(
        f"{midway} between the first and the last commit; {told} migrations were told of before"
    )
    return tally.result()


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Tell of what the standby does not have yet: it is held back, and the primary goes on."""
    with lab.cluster() as primary, lab.standby(primary, **_STANDBY) as standby:
        database = primary.database.new(_NAME)
        new = standby.database.named(_NAME)
        await_true(lambda: bool(standby.database.value(_HAS_IT)))
        work = lab.workload(rng.randint(3, 6))
        if standby.process is not None:
            standby.stop()
        env = {"PGBRAID_DATABASE_URL": database.conninfo}
        told = lab.forks.call("up", *work.words, env=env).told
        primary.kill()
        standby.start().database.run("SELECT pg_promote()")
        return tuple(contradictions(look(new), told=told))
