"""An ALTER TABLE queues behind a long reader, and all other readers queue behind it.

They wait as long as it waits: for lock_timeout, then it is taken back and tried again. Twenty
readers measure it, while another transaction holds the table for some seconds.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from chaos.checker import left_behind
from chaos.forks import Ended
from chaos.model import Size, Tally
from chaos.readers import reading

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result
    from devtools.database import Database

__all__ = ["control", "run"]

_READERS = 20
_ALTER = "ALTER TABLE busy ADD COLUMN name text;\n"
_ALTERED = """
SELECT count(*) FROM pg_attribute WHERE attrelid = 'busy'::regclass AND attname = 'name'
"""
_ALLOWED = {Size.FULL: 0.05, Size.QUICK: 1.0}
"""Seconds beyond lock_timeout; in the quick size the machine may be busy with other tests."""
_TIMEOUTS = {Size.FULL: ("500ms", "500ms", "500ms", "100ms", "100ms"), Size.QUICK: ("500ms",)}


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Measure the longest read, with lock_timeout and without."""
    tally = Tally()
    longest: dict[str, float] = {}
    for timeout in _TIMEOUTS[size]:
        held = rng.uniform(3.5, 4.5) if size is Size.FULL else 3.0
        with lab.database() as database:
            stall, ended = _trial(lab, database, timeout, held)
            found = _not_applied(database, ended)
        longest[timeout] = max(longest.get(timeout, 0.0), stall)
        bound = float(timeout.removesuffix("ms")) / 1000 + _ALLOWED[size]
        if stall > bound:
            found.append(f"no reader waits more than {bound:.3f} s; one did for {stall:.3f} s")
        tally.trials += 1
        tally.faults += 1
        tally.note(f"lock_timeout {timeout}, held for {held:.1f} s", found)
    told = [f"{timeout}: {stall * 1000:.0f} ms" for timeout, stall in longest.items()]
    if size is Size.FULL:
        with lab.database() as database:
            without, _ = _trial(lab, database, "", 4.0)
        told.append(f"without one: {without * 1000:.0f} ms")
    tally.remarks.append(f"the longest read with lock_timeout {', '.join(told)}")
    return tally.result()


def _trial(lab: Lab, database: Database, timeout: str, held: float) -> tuple[float, Ended]:
    """Return the longest read while a migration wants the table, and how that ended.

    Without a ``timeout`` the statement waits as long as it takes, by the driver alone.
    """
    database.run("CREATE TABLE busy (id int); INSERT INTO busy VALUES (1)")
    folder = lab.new_folder("alter")
    folder.mkdir()
    (folder / "1_alter.sql").write_text(_ALTER)
    with reading(database, "busy", _READERS) as stall, database.connect() as holder:
        holder.execute("BEGIN; SELECT * FROM busy")
        release = threading.Timer(held, lambda: holder.execute("COMMIT"))
        release.start()
        time.sleep(0.3)
        if timeout:
            words = ("up", "--dir", str(folder), "--lock-timeout", timeout)
            ended = lab.forks.call(*words, env={"PGBRAID_DATABASE_URL": database.conninfo})
        else:
            database.run(_ALTER)
            ended = Ended(0, "", "")
        release.join()
    return stall.longest, ended


def _not_applied(database: Database, ended: Ended) -> list[str]:
    found = left_behind(database)
    if ended.code != 0 or database.value(_ALTERED) != 1:
        found.append(f"the migration is applied once the table is free; {ended}")
    return found


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Wait for the table without a limit, as most tools do."""
    held = rng.uniform(2.5, 3.0)
    with lab.database() as database:
        stall, _ = _trial(lab, database, "", held)
    bound = 0.5 + _ALLOWED[Size.QUICK]
    if stall <= bound:
        return ()
    return (f"no reader waits more than {bound:.3f} s; one did for {stall:.3f} s",)
