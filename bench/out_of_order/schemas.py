"""Peers that write migrations from a schema in TypeScript; they are in no table of times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import npm
from bench.model import Command, Tool
from bench.out_of_order.model import BASE, LATE, Checkout
from bench.peers.javascript import node

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File

__all__ = [
    "DRIZZLE",
    "DRIZZLE_CONFIG",
    "DRIZZLE_RC",
    "PRISMA",
    "PRISMA_SCHEMA",
    "drizzle_generate",
    "link_modules",
    "start_drizzle",
]

DRIZZLE_CONFIG = """\
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./schema",
  out: "./drizzle",
  dbCredentials: { url: process.env.DATABASE_URL! },
});
"""
_DRIZZLE_TABLE = """\
import {{ integer, pgTable, text }} from "drizzle-orm/pg-core";

export const {name} = pgTable("{name}", {{
  id: integer("id").primaryKey(),{more}
}});
"""
_COLUMNS = {"add_email": ("users", "email"), "add_paid": ("orders", "paid")}
_DRIZZLE = "drizzle-kit/bin.cjs"
_PRISMA_CONFIG = """\
import { PrismaPg } from "@prisma/adapter-pg";

export default {
  experimental: { adapter: true },
  engine: "js",
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
};
"""
PRISMA_SCHEMA = """\
datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}
"""


def link_modules(checkout: Checkout) -> None:
    """Let the settings file of the folder import what is installed elsewhere."""
    place = checkout.place
    (place.folder / "node_modules").symlink_to(place.home / "node_modules")


def _nothing(folder: Path, migrations: Sequence[File]) -> None:
    """Write no file: the tool itself does, from a schema."""
    del folder, migrations


def _table(name: str, column: str = "") -> str:
    more = f'\n  {column}: text("{column}"),' if column else ""
    return _DRIZZLE_TABLE.format(name=name, more=more)


def start_drizzle(checkout: Checkout) -> None:
    """Write the settings, two tables and their migration."""
    link_modules(checkout)
    folder = checkout.place.folder
    (folder / "drizzle.config.ts").write_text(DRIZZLE_CONFIG)
    (folder / "schema").mkdir()
    for file in BASE:
        (folder / "schema" / f"{file.name}.ts").write_text(_table(file.name))
    checkout.must(drizzle_generate(checkout.place, "--name", "base"))


def drizzle_generate(place: Place, *options: str) -> Command:
    """Return the command that writes a migration for what changed in the schema."""
    return node(place, _DRIZZLE, "generate", *options)


def add_by_drizzle(checkout: Checkout, file: File) -> None:
    """Change the schema and let the tool write the migration."""
    table, column = _COLUMNS[file.name]
    (checkout.place.folder / "schema" / f"{table}.ts").write_text(_table(table, column))
    checkout.must(drizzle_generate(checkout.place, "--name", file.name))


def generate_again(checkout: Checkout) -> None:
    """Keep the other branch's migrations and let the tool write one's own again."""
    checkout.git("merge", "--no-edit", "branch-b")
    checkout.must_git("reset", "--quiet", "--", "drizzle")
    checkout.must_git("checkout", "--quiet", "--", "drizzle")
    checkout.must_git("clean", "--quiet", "--force", "-d", "drizzle")
    checkout.must(drizzle_generate(checkout.place, "--name", LATE.name))


def _migrate(place: Place) -> Command:
    return node(place, _DRIZZLE, "migrate")


def _drizzle(name: str, version: str, orm: str) -> Tool:
    packages = (f"drizzle-kit@{version}", f"drizzle-orm@{orm}", "pg@8.23.1")
    return Tool(name, version, npm(*packages), _nothing, _migrate, None)


def start_prisma(checkout: Checkout) -> None:
    """Write the settings and the base. The schema is empty: deploying does not read it."""
    link_modules(checkout)
    folder = checkout.place.folder
    (folder / "prisma.config.ts").write_text(_PRISMA_CONFIG)
    migrations = folder / "prisma" / "migrations"
    migrations.mkdir(parents=True)
    (folder / "prisma" / "schema.prisma").write_text(PRISMA_SCHEMA)
    (migrations / "migration_lock.toml").write_text('provider = "postgresql"\n')
    for file in BASE:
        add_by_prisma(checkout, file)


def add_by_prisma(checkout: Checkout, file: File) -> None:
    """Write a folder of one migration."""
    folder = checkout.place.folder / "prisma" / "migrations" / file.file_name("")
    folder.mkdir()
    (folder / "migration.sql").write_text(file.sql)


def _prisma_deploy(place: Place) -> Command:
    """Deploy with the engine in the package: the other one would be fetched from elsewhere."""
    command = node(place, "prisma/build/index.js", "migrate", "deploy")
    absent = str(place.home / "installed")
    names = ("PRISMA_QUERY_ENGINE_LIBRARY", "PRISMA_SCHEMA_ENGINE_BINARY")
    env = {**dict.fromkeys(names, absent), "CHECKPOINT_DISABLE": "1"}
    return Command(command.words, command.env | env, command.folder)


DRIZZLE = _drizzle("drizzle-kit", "0.31.11", "0.45.4")
DRIZZLE_RC = _drizzle("drizzle-kit rc", "1.0.0-rc.5", "1.0.0-rc.5")
PRISMA = Tool(
    "prisma",
    "6.19.3",
    npm("--force", "prisma@6.19.3", "@prisma/client@6.19.3", "@prisma/adapter-pg@7.10.1"),
    _nothing,
    _prisma_deploy,
)
