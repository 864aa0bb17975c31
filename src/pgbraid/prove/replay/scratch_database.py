"""The scratch databases of replays: a base with some migrations, and a replay that is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ReplayResult
    from pgbraid.postgres.catalog.row_digests import KnownRows, Rows
    from pgbraid.postgres.scratch.cluster_state import Cluster

__all__ = ["Base", "KeptReplay"]


class Base:
    """A scratch database with some migrations applied; replays run on copies of it."""

    __slots__ = ("cluster", "known", "name", "prefix", "seconds", "shares")

    def __init__(self, prefix: tuple[Migration, ...]) -> None:
        self.prefix = prefix
        self.name = ""
        self.cluster: Cluster | None = None
        """The roles, databases and tablespaces of the server before the base was created."""
        self.known: KnownRows | None = None
        self.seconds = 0.0
        """The time to create it."""
        self.shares = False
        """Whether its migrations changed shared objects, such as roles."""


@dataclass(frozen=True, slots=True)
class KeptReplay:
    """A replay and its database. ``name`` is empty if the replay failed: no database is kept."""

    result: ReplayResult
    name: str = ""
    rows: Rows | None = None
    seconds: float = 0.0
    """The time of the replay, without the reading of the result."""
    migrations: tuple[Migration, ...] = ()
