"""Which tables there are, and on what server each is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.apply_tables import apply_trials, flush_trials, rtt_trials, trips_trials
from bench.large import big_trials, growth_trials, memory_trials
from bench.noop_tables import gap_trials, noop_trials, pending_trials
from bench.startup_tables import embedded_trials, startup_trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Trial
    from bench.workspace import Workshop

__all__ = ["TABLES", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its trials, and the server they run on."""

    name: str
    title: str
    trials: Callable[[Workshop], list[Trial]]
    group: str
    """Tables of one group share a server, and what is applied there."""
    settings: tuple[tuple[str, str], ...] = ()


_SLOW_FLUSH = (("commit_delay", "2000"), ("commit_siblings", "0"))
TABLES = (
    Table("startup", "commands that need no database", startup_trials, "settled"),
    Table("apply", "everything, on an empty database", apply_trials, "apply"),
    Table("noop", "nothing is to do", noop_trials, "settled"),
    Table("pending", "the newest migration is to do", pending_trials, "settled"),
    Table("gap", "one that merged late is to do: who applies it", gap_trials, "settled"),
    Table("memory", "the most memory used", memory_trials, "settled"),
    Table("trips", "waits for the server", trips_trials, "trips"),
    Table("rtt", "the server is far away", rtt_trials, "trips"),
    Table("flush", "a commit takes 2 ms longer", flush_trials, "flush", _SLOW_FLUSH),
    Table("big", "one migration of 200 MB", big_trials, "big"),
    Table("growth", "pgbraid with ever more files", growth_trials, "growth"),
    Table("embedded", "pgbraid's embedded server", embedded_trials, "settled"),
)
"""In the order in which they are measured."""
