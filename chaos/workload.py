"""Migrations that leave a trace each, which shows whether and how often they ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

__all__ = ["Workload", "trace", "write_workload"]


@dataclass(frozen=True, slots=True)
class Workload:
    """A folder of migrations 1 to ``count``, each of which leaves its trace."""

    folder: Path
    count: int

    @property
    def versions(self) -> list[int]:
        """All of them."""
        return list(range(1, self.count + 1))

    @property
    def words(self) -> tuple[str, str]:
        """The option that names the folder."""
        return ("--dir", str(self.folder))


def trace(version: int) -> str:
    """Return statements that leave a table and a line in a log that takes a line twice.

    They do not fail where they run a second time: a second run is to show in the log.
    """
    log = "CREATE TABLE IF NOT EXISTS log (version int);\n" if version == 1 else ""
    return (
        f"{log}CREATE TABLE IF NOT EXISTS t{version} (id int PRIMARY KEY, name text);\n"
        f"INSERT INTO log (version) VALUES ({version});\n"
    )


def write_workload(folder: Path, count: int, rng: Random | None = None) -> Workload:
    """Write migrations; with ``rng`` each takes a few milliseconds of chance."""
    folder.mkdir(parents=True)
    for version in range(1, count + 1):
        pause = f"SELECT pg_sleep({rng.uniform(0, 0.012):.4f});\n" if rng else ""
        (folder / f"{version:03}_t.sql").write_text(pause + trace(version))
    return Workload(folder, count)
