"""A tool whose history pgbraid adopts: its files, its tracker, and the states it leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devtools.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.model import Command, Place, Tool
    from devtools.adopt_peers.stage import Stage

__all__ = ["DUMPS", "Case", "Peer", "applied", "nothing_to_prepare", "usual_cases", "without"]

DUMPS = ROOT / "tests" / "importers" / "dumps"
"""The folder with one folder for each tool."""


@dataclass(frozen=True, slots=True)
class Case:
    """One state of a tracker."""

    name: str
    expected: str
    """The line of expected.txt when the case is new; the file of an old case is kept."""
    play: Callable[[Stage], object]
    """Makes the state in an empty database. Raises Skip where the tool fails."""
    note: str = ""
    """What was done to the tracker besides the tool, for the first line of the dump."""


def nothing_to_prepare(place: Place) -> None:
    """Write no configuration: the tool needs none."""
    del place


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool, its tracker, and the cases that it leaves."""

    name: str
    """The folder in tests/importers/dumps."""
    tool: Tool
    """How the tool is installed and called (see bench.model)."""
    trackers: tuple[str, ...]
    """The tracker's tables, in whatever schema; `schema.*` stands for a whole schema."""
    cases: tuple[Case, ...]
    sixth: tuple[str, str]
    """The file name and the text of a migration that adds the column `users.phone`."""
    subfolder: str = ""
    """Where the tool expects its files, below its working folder."""
    prepare: Callable[[Place], None] = nothing_to_prepare
    """Writes the tool's configuration in its working folder."""
    apply: Callable[[Place], Command] | None = None
    """Applies all files, if not as bench does."""
    whole: Callable[[Place], Command] | None = None
    """Applies all migrations of the project, if `apply` leaves out those of its libraries."""
    beside: tuple[str, ...] = ()
    """More schemas that the tool makes and names after migrations, as patterns of pg_dump."""
    removal: tuple[str, ...] = ()
    """SQL that removes the tool, if pgbraid does not drop its tracker."""

    @property
    def files(self) -> Path:
        """The migrations that the tool runs."""
        return DUMPS / self.name / "migrations"

    @property
    def about(self) -> str:
        """The tool's name and version."""
        return f"{self.tool.name} {self.tool.version}"

    def command(self, place: Place) -> Command:
        """Return the command that applies all files of the folder."""
        return (self.apply or self.tool.apply)(place)


def without(*patterns: str) -> Callable[[Stage], object]:
    """Return a play that applies every file whose path matches none of the patterns."""
    return lambda stage: stage.apply(without=patterns)


def usual_cases(
    keys: Sequence[str],
    *,
    gap: bool = True,
    third: str = "*order?total*",
    fifth: str = "*add?email*",
) -> tuple[Case, ...]:
    """Return the cases `complete`, `behind` (the fifth is pending) and `gap` (the third is).

    ``keys`` are the rows of the tracker; ``third`` and ``fifth`` are patterns of the files.
    """
    cases = (
        Case("complete", applied(*keys), without()),
        Case("behind", applied(*keys[:-1]), without(fifth)),
    )
    if not gap:
        return cases
    return (*cases, Case("gap", applied(*keys[:-3], *keys[-2:]), without(third)))


def applied(*keys: str) -> str:
    """Return the line of expected.txt for these rows."""
    return " ".join(("applied", *keys))
