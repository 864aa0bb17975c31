"""Tools written in Rust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import cargo
from bench.model import Command, Tool
from bench.peers.layout import files

if TYPE_CHECKING:
    from bench.model import Place

__all__ = ["TOOLS"]


def _sqlx(place: Place) -> Command:
    words = (str(place.home / "bin" / "sqlx"), "migrate", "run", "--no-dotenv")
    return Command((*words, "--source", str(place.folder), "--database-url", place.url))


def _sqlx_version(place: Place) -> Command:
    return Command((str(place.home / "bin" / "sqlx"), "--version"))


def _refinery(place: Place) -> Command:
    words = (str(place.home / "bin" / "refinery"), "migrate", "-e", "DATABASE_URL")
    return Command((*words, "-p", str(place.folder)), {"DATABASE_URL": place.url})


def _refinery_version(place: Place) -> Command:
    return Command((str(place.home / "bin" / "refinery"), "--version"))


TOOLS = (
    Tool(
        "sqlx-cli",
        "0.9.0",
        cargo("sqlx-cli", "0.9.0", "postgres"),
        files(),
        _sqlx,
        _sqlx_version,
    ),
    Tool(
        "refinery",
        "0.10.0",
        cargo("refinery_cli", "0.10.0", "postgresql"),
        files("V{version}__{name}.sql"),
        _refinery,
        _refinery_version,
    ),
)
