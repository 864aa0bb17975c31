"""Bare psql: what the server itself needs for the work, however it is sent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.install import nothing
from bench.model import Command, Tool
from devtools.server import server_programs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.work import File

__all__ = ["FLOOR", "TOOLS"]

FLOOR = "psql floor 2"
"""What the other tools are compared with: a transaction and a tracker's row for each file."""
_TRACKER = "CREATE TABLE tracker (version bigint PRIMARY KEY, at timestamptz DEFAULT now());\n"


def _plain(folder: Path, migrations: Sequence[File]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "all.sql").open("w") as out:
        for file in migrations:
            out.write(file.sql)


def _tracked(folder: Path, migrations: Sequence[File]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "all.sql").open("w") as out:
        out.write(_TRACKER)
        for file in migrations:
            out.write(f"BEGIN;\n{file.sql}")
            out.write(f"INSERT INTO tracker (version) VALUES ({file.version});\nCOMMIT;\n")


def _apply(place: Place, *, options: str = "") -> Command:
    psql = str(place.programs / "psql")
    words = (psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "all.sql", place.url)
    return Command(words, {"PGOPTIONS": options} if options else {}, place.folder)


def _about(place: Place) -> Command:
    return Command((str(place.programs / "psql"), "--version"))


_VERSION = server_programs().version
_RELAXED = partial(_apply, options="-c synchronous_commit=off")
TOOLS = (
    Tool("psql floor 1", _VERSION, nothing, _plain, _apply, None, "floor"),
    Tool(FLOOR, _VERSION, nothing, _tracked, _apply, _about, "floor"),
    Tool(f"{FLOOR} relaxed", _VERSION, nothing, _tracked, _RELAXED, None, "floor"),
)
