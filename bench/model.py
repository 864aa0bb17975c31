"""What is measured, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.work import File

__all__ = ["Command", "Place", "Run", "Sample", "Tool", "Trial"]


@dataclass(frozen=True, slots=True)
class Command:
    """One process to run; ``env`` is added to the environment that all tools get."""

    words: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tool works: which database, which folder of work, where it is installed."""

    port: int
    database: str
    folder: Path
    home: Path
    programs: Path
    """The folder with psql."""
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        """The database as a URL, the same for every tool but for the scheme."""
        return self.url_as("postgresql")

    def url_as(self, scheme: str, query: str = "?sslmode=disable") -> str:
        """Return the database's URL with another scheme or query."""
        return f"{scheme}://postgres@{self.host}:{self.port}/{self.database}{query}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A migration tool: how it is installed, fed and called."""

    name: str
    version: str
    install: Callable[[Path], None]
    """Puts the tool in its folder, if it is not there yet. Raises Skip."""
    lay_out: Callable[[Path, Sequence[File]], None]
    """Writes the work in the tool's own format; called again when a file is added."""
    apply: Callable[[Place], Command]
    about: Callable[[Place], Command] | None = None
    """The command that prints its version and touches no database."""
    kind: str = "peer"
    """``peer``, ``floor`` for bare psql (nothing is skipped when run again), or ``ours``."""
    chained: bool = False
    """Whether a file names the one before it, or its number leaves no hole.

    A late file then cannot be laid out without rewriting applied ones; see ``bench.out_of_order``.
    """


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run cost. Times are in seconds, memory in bytes."""

    wall: float | None = None
    cpu: float | None = None
    server_cpu: float | None = None
    rss: int | None = None
    server_rss: int | None = None
    trips: int | None = None
    connections: int | None = None
    ok: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Run(Sample):
    """A sample, and of what, when and where: one line of the results."""

    table: str = ""
    case: str = ""
    tool: str = ""
    version: str = ""
    kind: str = ""
    size: int = 0
    round: int = 0
    load: float = 0.0
    session: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Run:
        """Return the run of a line, also one that a later version wrote."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell of a table: what is run in every round."""

    tool: str
    version: str
    kind: str
    case: str
    size: int
    rounds: int
    measure: Callable[[], Sample]
    """Runs and checks once. What it raises counts as a failed run."""
    prepare: Callable[[], object] | None = None
    """Is called once before the first round of the table."""
