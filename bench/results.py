"""The results on disk: a line of JSON for each run, so that an aborted session loses nothing."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench.model import Run
from devtools.checkout import ROOT
from devtools.server import server_programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Results"]


@dataclass(frozen=True, slots=True)
class Results:
    """A folder of results; those of ``--quick`` are kept apart, as they say nothing."""

    folder: Path

    @classmethod
    def of(cls, folder: Path | None, *, quick: bool) -> Results:
        """Return the results of real or of quick runs."""
        used = folder or ROOT / "bench" / "results"
        return cls(used / "quick" if quick else used)

    def begin(self, session: str) -> None:
        """Write down on what the session runs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        about = {
            "session": session,
            "server": f"PostgreSQL {server_programs().version}",
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()}",
            "machine": platform.machine(),
            "processors": os.cpu_count(),
        }
        self._append("sessions.jsonl", about)

    def add(self, run: Run) -> None:
        """Append a run; what has its usual value is left out."""
        usual = asdict(Run())
        values = {name: value for name, value in asdict(run).items() if value != usual[name]}
        self._append("runs.jsonl", values)

    def runs(self) -> list[Run]:
        """Return every run, oldest first."""
        return [Run.from_json(values) for values in self._lines("runs.jsonl")]

    def newest(self, table: str) -> list[Run]:
        """Return the runs of a table: of each cell those of the last session that has it."""
        runs = [run for run in self.runs() if run.table == table]
        last = {(run.tool, run.case): run.session for run in runs}
        return [run for run in runs if last[run.tool, run.case] == run.session]

    def about(self, sessions: Iterable[str]) -> list[dict[str, object]]:
        """Return what sessions ran on."""
        wanted = set(sessions)
        return [line for line in self._lines("sessions.jsonl") if line["session"] in wanted]

    def _append(self, name: str, values: Mapping[str, object]) -> None:
        with (self.folder / name).open("a") as out:
            out.write(json.dumps(values) + "\n")

    def _lines(self, name: str) -> list[dict[str, object]]:
        path = self.folder / name
        if not path.is_file():
            return []
        return [json.loads(line) for line in path.read_text().splitlines() if line]
