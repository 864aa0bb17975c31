"""One empty database and one working folder, in which a tool plays a case."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import psycopg

from bench.measure import run
from bench.model import Place
from bench.workspace import home_of
from devtools.checkout import Skip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Command
    from devtools.adopt_peers.model import Peer
    from devtools.server import Server

__all__ = ["Stage"]


@dataclass(slots=True)
class Stage:
    """A tool's database and folder; the folder is laid out anew for each call of the tool."""

    peer: Peer
    server: Server
    folder: Path
    home: Path
    """The tool's own home folder, so that no settings of this machine are read."""
    database: str = ""
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = self.database or self.server.new_database()

    @property
    def place(self) -> Place:
        """The database and the folder, for the commands of bench."""
        programs = self.server.programs.folder
        tool = home_of(self.peer.tool)
        return Place(self.server.port, self.database, self.folder, tool, programs)

    @property
    def files(self) -> Path:
        """Where the tool expects its migrations."""
        return self.folder / self.peer.subfolder

    def lay_out(self, *, without: Sequence[str] = (), sixth: bool = False) -> None:
        """Copy the migrations, except for paths that match a pattern, and write the configuration.

        With ``sixth``, the sixth migration is there, too.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.files.mkdir(parents=True)
        for path in sorted(self.peer.files.rglob("*")):
            inside = path.relative_to(self.peer.files)
            named = [str(inside), *map(str, inside.parents)]
            if path.is_file() and not any(fnmatch(n, p) for n in named for p in without):
                (self.files / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, self.files / inside)
        if sixth:
            name, text = self.peer.sixth
            (self.files / name).parent.mkdir(parents=True, exist_ok=True)
            (self.files / name).write_text(text)
        self.peer.prepare(self.place)

    def apply(
        self, *, without: Sequence[str] = (), fails: bool | None = False, sixth: bool = False
    ) -> None:
        """Lay the files out and let the tool apply them. Raises Skip, see `call`."""
        self.lay_out(without=without, sixth=sixth)
        self.call(self.peer.command(self.place), fails=fails)

    def apply_whole(self, *, sixth: bool = False) -> None:
        """Apply all migrations of a project, also those that the cases leave out. Raises Skip."""
        self.lay_out(sixth=sixth)
        self.call((self.peer.whole or self.peer.command)(self.place))

    def call(self, command: Command, *, fails: bool | None = False) -> str:
        """Run a command of the tool and return what it prints.

        Raises Skip if it fails, or with ``fails`` if it does not. None is for a tool that
        exits with 0 in both cases.
        """
        outcome = run(command, self.home)
        self.said.append(outcome.said)
        if fails is not None and bool(outcome.code) != fails:
            state = "failed" if outcome.code else "did not fail"
            raise Skip(f"{' '.join(command.words[1:4])} {state}: {outcome.said[-600:]}")
        return outcome.said

    def sql(self, text: str) -> None:
        """Run SQL in the database."""
        with psycopg.connect(self.place.url, autocommit=True) as connection:
            connection.execute(text)
