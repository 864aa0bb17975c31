"""Fifty boots at once behind a real PgBouncer, and what they leave in its connections.

In transaction mode every transaction may get another backend: a lock of the session would be
somebody else's, and what is set for the session stays for the next client.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from chaos.booting import boot_all, waits
from chaos.model import Tally
from devtools.pgbouncer import running_bouncer

if TYPE_CHECKING:
    from random import Random

    from chaos.lab import Lab
    from chaos.model import Result, Size
    from devtools.database import Database
    from devtools.pgbouncer import Bouncer

__all__ = ["control", "run"]

_MIGRATIONS = 20
_SETTINGS = (
    "search_path",
    "lock_timeout",
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "synchronous_commit",
    "role",
    "row_security",
    "client_encoding",
    "default_transaction_read_only",
    "standard_conforming_strings",
)
_STATE = (
    "SELECT pg_backend_pid()::text, "
    + ", ".join(f"current_setting('{name}')" for name in _SETTINGS)
    + ", (SELECT count(*)::text FROM pg_prepared_statements)"
    ", (SELECT count(*)::text FROM pg_listening_channels())"
)
_NAMES = (*_SETTINGS, "prepared statements", "channels")


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Boot in both modes, and look at every pooled backend after each round."""
    tally, rounds = Tally(), []
    boots = size.of(6, 50)
    modes = ["transaction"] * size.of(1, 5) + ["session"]
    version, looked = "", 0
    for number, mode in enumerate(modes, 1):
        with lab.database() as database, running_bouncer(lab.server, mode) as bouncer:
            if number % 2 == 0:
                database.run("CREATE TABLE before (id int)")
            pooled = bouncer.before(database)
            work = lab.workload(_MIGRATIONS, rng if number % 3 else None)
            rounds.append(boot_all(lab, database, work, count=boots, target=pooled.conninfo))
            leaks, seen = _leaks(database, pooled, bouncer)
            version, looked = bouncer.version, looked + seen
        tally.trials += 1
        tally.faults += boots
        tally.note(f"round {number}, {mode} mode", [*rounds[-1].found, *leaks])
    tally.remarks.append(
        f"{version}, {boots} boots at once; {waits(rounds)}; {looked} pooled backends looked at"
    )
    return tally.result()


def _leaks(database: Database, pooled: Database, bouncer: Bouncer) -> tuple[list[str], int]:
    """Return in what the pooled backends differ from a new one, and how many there are."""
    with database.connect() as connection:
        fresh = connection.execute(_STATE.encode()).fetchone()
    assert fresh is not None  # noqa: S101 - a SELECT without FROM
    states: dict[str, tuple[str, ...]] = {}
    with ExitStack() as stack:
        for _ in range(bouncer.size):  # each holds a backend, so the next gets another one
            connection = stack.enter_context(pooled.connect(connect_timeout=20))
            stack.enter_context(connection.transaction())
            row = connection.execute(_STATE.encode()).fetchone()
            assert row is not None  # noqa: S101
            states[row[0]] = tuple(row[1:])
    found = [
        f"a pooled backend is as a new one; {name} of {pid} is {there!r}, not {usual!r}"
        for pid, state in states.items()
        for name, there, usual in zip(_NAMES, state, fresh[1:], strict=True)
        if there != usual
    ]
    return found, len(states)


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Set something for the session, as a tool does that thinks the session is its own."""
    with lab.database() as database, running_bouncer(lab.server, "transaction", 5) as bouncer:
        pooled = bouncer.before(database)
        name = rng.choice(["lock_timeout", "statement_timeout"])
        pooled.run(f"SET {name} = '12s'")
        return tuple(_leaks(database, pooled, bouncer)[0])
