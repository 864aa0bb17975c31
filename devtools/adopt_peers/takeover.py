"""pgbraid takes a database over from its tool, with the commands that a user types."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from devtools.adopt_peers.model import DUMPS
from devtools.checkout import Skip
from pgbraid.importers.tools import Tool, tool_named
from pgbraid.source.filenames import FileName, parse_file_name

if TYPE_CHECKING:
    from pathlib import Path

    from devtools.adopt_peers.stage import Stage

__all__ = ["Takeover"]

_BY_HAND = frozenset(("knex", "pgroll", "rails", "sequelize", "typeorm", "umzug"))
"""The peers whose files are not SQL, or have names of the application's choice."""
_SQL = DUMPS / "umzug" / "migrations"
"""What the scripts of the peers in _BY_HAND run, one file for each of them."""
_NAME = re.compile(r"([0-9]+)[-_](.*)")
_PHONE = re.compile(r"ALTER TABLE users ADD COLUMN \w+ text")


@dataclass(slots=True)
class Takeover:
    """One database that a tool has migrated, and the folder from which pgbraid goes on."""

    stage: Stage
    folder: Path = field(init=False)
    way: str = ""
    """What happened to the files of the tool."""

    def go_on(self) -> None:
        """Adopt the history and apply one more migration. Raises Skip where pgbraid fails.

        Afterwards, nothing is pending, the schema has no drift, and a late migration in the middle
        of the history is proven.
        """
        self.folder = self._files()
        planned = self._json("adopt", "--dry-run")["adopted"]
        adopted = self._json("adopt")["adopted"]
        if not adopted or planned != adopted or adopted["problems"]:
            raise Skip(f"adopt: {adopted} after the dry run: {planned}")
        [statement] = _PHONE.findall(self.stage.peer.sixth[1])
        self._write(max(map(int, self._digits())) + 2, "add_phone", f"{statement};\n")
        self._pgbraid("up")
        self._pgbraid("check")
        self._pgbraid("drift", "--scratch", self._scratch)
        between = _between(sorted(set(map(int, self._digits()))))
        late = self._write(between, "late", "CREATE TABLE late (id int);\n")
        verdict = self._json("prove", "--scratch", self._scratch)["verdict"]
        if verdict != "same":
            raise Skip(f"prove says {verdict} of {late.name}")
        late.unlink()

    def remove_tool(self) -> None:
        """Drop the tool's tables. Raises Skip if that fails, or if drift finds a difference."""
        for statement in self.stage.peer.removal:
            self.stage.sql(statement)
        if not self.stage.peer.removal:
            self._pgbraid("adopt", "--drop-tracker")
        self._pgbraid("check")
        self._pgbraid("drift", "--scratch", self._scratch)

    def _files(self) -> Path:
        """Return the folder of migrations that pgbraid reads; write it if it is a new one."""
        stage = self.stage
        tool = _tool_of(stage.peer.name)
        in_folders = any((path / "migration.sql").exists() for path in stage.files.iterdir())
        if tool.runs_as_it_is and stage.peer.name not in _BY_HAND and not in_folders:
            self.way = "files as they are"
            return stage.files
        target = stage.folder.with_name(f"{stage.folder.name}-new")
        if stage.peer.name in _BY_HAND:
            self.way = "files by hand"
            target.mkdir()
            names = [m for path in sorted(stage.files.iterdir()) if (m := _NAME.match(path.stem))]
            for match, sql in zip(names, sorted(_SQL.iterdir()), strict=True):
                name = match[2].replace("-", "_")
                (target / f"{match[1]}_{name}.sql").write_bytes(sql.read_bytes())
            return target
        options = ["--from", tool.names[0]]
        if tool.program:
            options += ["--python", str(stage.place.home / "bin" / "python")]
        self._run("convert", *options, str(stage.files), str(target))
        self.way = "files converted"
        return target

    @property
    def _scratch(self) -> str:
        return self.stage.server.url()

    def _digits(self) -> list[str]:
        """Return the versions of the migrations, as they are written."""
        names = (parse_file_name(path.name) for path in self.folder.iterdir())
        return [name.digits for name in names if isinstance(name, FileName)]

    def _write(self, version: int, name: str, text: str) -> Path:
        """Write a migration, its version as wide as those of the other files."""
        width = max(map(len, self._digits()))
        path = self.folder / f"{version:0{width}}_{name}.sql"
        path.write_text(text)
        return path

    def _pgbraid(self, *words: str) -> str:
        database = ("--database", self.stage.place.url)
        return self._run(*words, "--dir", str(self.folder), *database)

    def _json(self, *words: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._pgbraid(*words, "--json"))
        return document

    def _run(self, *words: str) -> str:
        """Run a command of pgbraid in the tool's folder, with the environment of the tool."""
        tool = self.stage.peer.command(self.stage.place)
        done = subprocess.run(
            [sys.executable, "-m", "pgbraid", *words],
            cwd=self.stage.folder,
            env=os.environ | tool.env | {"HOME": str(self.stage.home)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = f"{done.stdout}{done.stderr}".strip()
            raise Skip(f"pgbraid {words[0]} ends with {done.returncode}: {said}")
        return done.stdout


def _between(versions: list[int]) -> int:
    """Return a version between two others, as near to the middle of the history as one is free."""
    free = [one + 1 for one, other in pairwise(versions) if other > one + 1]
    return free[len(free) // 2]


def _tool_of(peer: str) -> Tool:
    """Return the tool of a peer; its name may have more words behind the tool's."""
    words = peer.split("_")
    names = ("-".join(words[:size]) for size in range(len(words), 0, -1))
    return next(tool for name in names if (tool := tool_named(name)))
