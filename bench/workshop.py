"""Lays out work, keeps databases to run it on, runs tools there and checks what they did."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.effects import check_effects, work
from bench.install import cache
from bench.measure import Outcome, Watch, run, server_seconds
from bench.model import Command, Place, Sample, Tool
from devtools.checkout import Skip
from devtools.server import Server, running_server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Workshop", "home_of", "load"]

_SETTLE = 0.03
"""Seconds after which the backend of a connection that was closed has ended."""


@dataclass(slots=True)
class Workshop:
    """A session's tools, folders and server."""

    scratch: Path
    tools: tuple[Tool, ...]
    quick: bool = False
    rounds: int | None = None
    served: str = ""
    _server: Server | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _folders: dict[tuple[str, int], Path] = field(default_factory=dict)
    _databases: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def server(self) -> Server:
        """The server that runs now."""
        if self._server is None:
            raise Skip("no server runs")
        return self._server

    def serve(self, group: str) -> Server:
        """Return the server of a group of tables; another group's is stopped.

        One server for all would be worse with each table: autovacuum goes round all
        databases, so the more there are, the more often it runs.
        """
        if self._server is None or self.served != group:
            self.close()
            self._server = self._stack.enter_context(running_server(self.scratch))
            self.served = group
        return self._server

    def close(self) -> None:
        """Stop the server; its files go with the session's folder."""
        self._stack.close()
        self._server = None
        self._databases.clear()

    def sizes(self, *full: int) -> tuple[int, ...]:
        """Return the sizes to measure: tiny ones to try the harness."""
        return (20, 40)[: len(full)] if self.quick else full

    def rounds_of(self, usual: int) -> int:
        """Return how often to measure what is usually measured so often."""
        return self.rounds or (1 if self.quick else usual)

    def place(self, tool: Tool, database: str, folder: Path, port: int | None = None) -> Place:
        """Return where a tool is to work; by way of another port for a proxy."""
        programs = self.server.programs.folder
        return Place(port or self.server.port, database, folder, home_of(tool), programs)

    def folder(self, tool: Tool, size: int) -> Path:
        """Return a folder with so many migrations laid out for the tool, not to be changed."""
        key = (tool.name, size)
        if key not in self._folders:
            folder = self.new_folder(tool)
            tool.lay_out(folder, work(size))
            self._folders[key] = folder
        return self._folders[key]

    def new_folder(self, tool: Tool) -> Path:
        """Return an empty folder for the tool."""
        base = self.scratch / "work" / _plain(tool.name)
        folder = base / str(len(list(base.iterdir())) if base.is_dir() else 0)
        folder.mkdir(parents=True)
        return folder

    def run(self, command: Command, *, database: str = "", memory: bool = False) -> Outcome:
        """Run a command in the session's own home folder."""
        watch = Watch(self.server.pid, database) if memory else None
        return run(command, self._own_home(), watch=watch)

    def sample(self, command: Command, *, database: str = "", memory: bool = False) -> Sample:
        """Run a command and return its cost. Raises Skip where it fails."""
        watch = Watch(self.server.pid, database) if memory else None
        time.sleep(_SETTLE)
        before = server_seconds(self.server.pid)
        outcome = run(command, self._own_home(), watch=watch)
        time.sleep(_SETTLE)
        if outcome.code:
            raise Skip(outcome.complaint)
        spent = server_seconds(self.server.pid) - before
        peak = watch.server_rss if watch else None
        return Sample(outcome.wall, outcome.cpu, spent, outcome.rss, peak)

    def apply(self, tool: Tool, size: int, *, memory: bool = False) -> Sample:
        """Apply everything to a new database and check it. Raises Skip where that fails."""
        database = self.server.new_database()
        place = self.place(tool, database, self.folder(tool, size))
        sample = self.sample(tool.apply(place), database=database, memory=memory)
        check_effects(place.url, size)
        self._databases.setdefault((tool.name, size), database)
        return sample

    def applied(self, tool: Tool, size: int) -> str:
        """Return a database on which the tool has applied so many. Raises Skip."""
        if (tool.name, size) not in self._databases:
            self.apply(tool, size)
        return self._databases[tool.name, size]

    def again(self, tool: Tool, size: int, *, memory: bool = False) -> Sample:
        """Run the tool where nothing is to do. Raises Skip where that fails."""
        database = self.applied(tool, size)
        place = self.place(tool, database, self.folder(tool, size))
        return self.sample(tool.apply(place), database=database, memory=memory)

    def proxied(self, tool: Tool, size: int, port: int, database: str | None = None) -> Sample:
        """Apply by way of a proxy: to a new database, or where nothing is to do."""
        used = database or self.server.new_database()
        place = self.place(tool, used, self.folder(tool, size), port)
        sample = self.sample(tool.apply(place))
        check_effects(replace(place, port=self.server.port).url, size)
        return sample

    def _own_home(self) -> Path:
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        return home


def home_of(tool: Tool) -> Path:
    """Return the folder in which a tool is installed."""
    return cache() / f"{_plain(tool.name)}-{tool.version.split()[0]}"


def _plain(name: str) -> str:
    return name.replace(" ", "-")


def load() -> float:
    """Return how many processes wanted a processor in the last minute."""
    return os.getloadavg()[0]
