"""Every kind of trouble, in the order of the table."""

from __future__ import annotations

from chaos.model import Scenario
from chaos.scenarios import (
    r01_server_killed,
    r02_booters,
    r03_pooler,
    r04_connections_cut,
    r05_index_with_waiters,
    r06_interrupted_statements,
    r07_failover,
    r08_hostile_bodies,
    r09_surroundings,
    r10_ledger_states,
    r13_readers_stall,
    r14_secrets,
    r15_any_files,
)

__all__ = ["SCENARIOS"]

SCENARIOS = tuple(
    Scenario(name, what, module.run, module.control)
    for name, what, module in (
        ("R1", "server killed at a random point of a run, started again", r01_server_killed),
        ("R2", "fifty boots at once", r02_booters),
        ("R3", "fifty boots at once behind PgBouncer", r03_pooler),
        (
            "R4",
            "connections cut, clients killed, backends terminated and cancelled",
            r04_connections_cut,
        ),
        ("R5", "CREATE INDEX CONCURRENTLY while others wait for the lock", r05_index_with_waiters),
        ("R6", "files without a transaction, interrupted", r06_interrupted_statements),
        ("R7", "primary killed, its synchronous standby promoted", r07_failover),
        ("R8", "bodies that go for transaction, session, tracker or reader", r08_hostile_bodies),
        ("R9", "surroundings in which a run cannot work, or only just", r09_surroundings),
        ("R10", "hostile states of the set, the journal and the files", r10_ledger_states),
        ("R13", "readers behind a queued ALTER TABLE", r13_readers_stall),
        ("R14", "passwords on every way into an error", r14_secrets),
        ("R15", "files of any name and content; texts of chance run", r15_any_files),
    )
)
