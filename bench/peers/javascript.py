"""Tools written in JavaScript; node is called itself, not the script that npm makes."""

from __future__ import annotations

from hashlib import sha1
from typing import TYPE_CHECKING

from bench.install import npm
from bench.model import Command, Tool
from bench.peers.layout import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File

__all__ = ["TOOLS", "node"]


def node(place: Place, script: str, *words: str) -> Command:
    """Return a call of a script of an installed package."""
    path = place.home / "node_modules" / script
    return Command(("node", str(path), *words), {"DATABASE_URL": place.url}, place.folder)


def _node_pg_migrate(place: Place) -> Command:
    """Run each migration in a transaction of its own; its default is one for all."""
    script = "node-pg-migrate/bin/node-pg-migrate.js"
    return node(place, script, "up", "-m", str(place.folder), "--no-single-transaction")


def _node_pg_migrate_version(place: Place) -> Command:
    return node(place, "node-pg-migrate/bin/node-pg-migrate.js", "--version")


def _lay_out_graphile(folder: Path, migrations: Sequence[File]) -> None:
    """Write what its ``commit`` would: each file names the hash of the one before."""
    committed = folder / "migrations" / "committed"
    committed.mkdir(parents=True, exist_ok=True)
    (folder / ".gmrc").write_text("{}\n")
    before = ""
    for file in migrations:
        text = f"{before}\n{file.sql.strip()}".strip() + "\n"
        name = "sha1:" + sha1(text.encode(), usedforsecurity=False).hexdigest()
        head = f"--! Previous: {before or '-'}\n--! Hash: {name}\n\n"
        (committed / f"{file.version:06d}.sql").write_text(head + file.sql)
        before = name


def _graphile(place: Place) -> Command:
    return node(place, "graphile-migrate/dist/cli.js", "migrate")


def _graphile_version(place: Place) -> Command:
    return node(place, "graphile-migrate/dist/cli.js", "--version")


TOOLS = (
    Tool(
        "node-pg-migrate",
        "9.0.0",
        npm("node-pg-migrate@9.0.0", "pg@8.23.1"),
        files(body=lambda file: f"-- Up Migration\n{file.sql}"),
        _node_pg_migrate,
        _node_pg_migrate_version,
    ),
    Tool(
        "graphile-migrate",
        "1.4.1",
        npm("graphile-migrate@1.4.1"),
        _lay_out_graphile,
        _graphile,
        _graphile_version,
        chained=True,
    ),
)
