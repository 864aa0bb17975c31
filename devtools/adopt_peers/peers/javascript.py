"""Tools written in JavaScript."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.install import npm
from bench.model import Command, Tool
from bench.out_of_order.schemas import (
    DRIZZLE,
    DRIZZLE_CONFIG,
    DRIZZLE_RC,
    PRISMA,
    PRISMA_SCHEMA,
)
from bench.peers.javascript import node
from devtools.adopt_peers.model import DUMPS, Case, Peer, applied, usual_cases, without
from devtools.adopt_peers.peers.installed import bench_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_NAMES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")
_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
_KNEX = "module.exports = { client: 'pg', connection: process.env.DATABASE_URL };\n"
_SEQUELIZE = """\
module.exports = { development: { dialect: "postgres", use_env_variable: "DATABASE_URL" } };
"""
_UMZUG = """\
const { readFileSync } = require("node:fs");
const { Sequelize } = require("sequelize");
const { SequelizeStorage, Umzug } = require("umzug");

const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false });
const umzug = new Umzug({
  migrations: {
    glob: "migrations/*.sql",
    resolve: ({ name, path }) => ({
      name,
      up: () => sequelize.query(readFileSync(path, "utf8")),
    }),
  },
  storage: new SequelizeStorage({ sequelize }),
  logger: undefined,
});
umzug.up().then(() => sequelize.close());
"""
_TYPEORM = """\
const { DataSource } = require("typeorm");

module.exports = new DataSource({
  type: "postgres",
  url: process.env.DATABASE_URL,
  migrations: ["migrations/*.js"],
  migrationsTransactionMode: "each",
});
"""


_TYPEORM_SIXTH = f"""\
module.exports = class AddPhone1714986000000 {{
  async up(queryRunner) {{
    await queryRunner.query(`{_PHONE}`);
  }}
}};
"""
_PRISMA_CONFIG = """\
import { PrismaPg } from "@prisma/adapter-pg";

class Whole extends PrismaPg {
  async connect() {
    const adapter = await super.connect();
    adapter.executeScript = async (script) => {
      await adapter.client.query(script);
    };
    return adapter;
  }
}

export default {
  experimental: { adapter: true },
  engine: "js",
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  adapter: async () => new Whole({ connectionString: process.env.DATABASE_URL }),
};
"""
"""As Prisma's own engine, it sends a file as one script: the adapter would split it at each `;`."""


def _nothing(folder: Path, migrations: Sequence[File]) -> None:
    """Write no file: the fixtures are there."""
    del folder, migrations


def _link_modules(place: Place) -> None:
    """Let the configuration import what is installed elsewhere."""
    (place.folder / "node_modules").symlink_to(place.home / "node_modules")


def _undo(*words: str) -> Callable[[Stage], None]:
    """Return a play that applies all files and calls a script of the tool with other words."""

    def play(stage: Stage) -> None:
        stage.apply()
        command = stage.peer.command(stage.place)
        stage.call(replace(command, words=(*command.words[:2], *words)))

    return play


# node-pg-migrate


def _node_pg_migrate(place: Place) -> Command:
    script = "node-pg-migrate/bin/node-pg-migrate.js"
    return node(place, script, "up", "-m", str(place.folder), "--no-check-order")


# Graphile Migrate


def _prepare_graphile(place: Place) -> None:
    (place.folder / ".gmrc").write_text("{}\n")


def _graphile_watched(stage: Stage) -> None:
    """Apply a text in current.sql, as a developer does before a commit."""
    stage.apply(without=("committed/000005*",))
    current = stage.files / "current.sql"
    current.write_text("ALTER TABLE users ADD COLUMN email text;\n")
    stage.call(node(stage.place, "graphile-migrate/dist/cli.js", "watch", "--once"))


# knex


def _prepare_knex(place: Place) -> None:
    _link_modules(place)
    (place.folder / "knexfile.js").write_text(_KNEX)


def _knex(place: Place) -> Command:
    return node(place, "knex/bin/cli.js", "migrate:latest")


def _knex_one_by_one(stage: Stage) -> None:
    """Apply each file with a call of its own: each is a batch."""
    stage.lay_out()
    for _ in range(4):
        stage.call(node(stage.place, "knex/bin/cli.js", "migrate:up"))


def _knex_locked(stage: Stage) -> None:
    """Leave the lock taken, as after a crash."""
    stage.apply()
    stage.sql("UPDATE knex_migrations_lock SET is_locked = 1")


# umzug and sequelize-cli


def _prepare_umzug(place: Place) -> None:
    _link_modules(place)
    (place.folder / "run.js").write_text(_UMZUG)


def _umzug(place: Place) -> Command:
    return Command(("node", "run.js"), {"DATABASE_URL": place.url}, place.folder)


def _prepare_sequelize(place: Place) -> None:
    _link_modules(place)
    (place.folder / "config").mkdir()
    (place.folder / "config" / "config.js").write_text(_SEQUELIZE)


def _sequelize(place: Place) -> Command:
    return node(place, "sequelize-cli/lib/sequelize", "db:migrate")


# TypeORM


def _prepare_typeorm(place: Place) -> None:
    _link_modules(place)
    (place.folder / "source.js").write_text(_TYPEORM)


def _typeorm(place: Place) -> Command:
    return node(place, "typeorm/cli.js", "migration:run", "-d", "source.js")


# Drizzle Kit


def _prepare_drizzle_rc(place: Place) -> None:
    _link_modules(place)
    (place.folder / "drizzle.config.ts").write_text(DRIZZLE_CONFIG)


def _prepare_drizzle(place: Place) -> None:
    """Let the journal name the files that are there; it is what the tool reads."""
    _prepare_drizzle_rc(place)
    path = place.folder / "drizzle" / "meta" / "_journal.json"
    journal = json.loads(path.read_text())
    before = {entry["tag"]: entry for entry in journal["entries"]}
    last = journal["entries"][-1]
    journal["entries"] = [
        before.get(file.stem, last | {"idx": 5, "tag": file.stem, "when": last["when"] + 1000})
        for file in sorted((place.folder / "drizzle").glob("*.sql"))
    ]
    path.write_text(json.dumps(journal))


# Prisma


def _prepare_prisma(place: Place) -> None:
    _link_modules(place)
    (place.folder / "prisma.config.ts").write_text(_PRISMA_CONFIG)
    (place.folder / "prisma" / "schema.prisma").write_text(PRISMA_SCHEMA)


def _prisma_failed(stage: Stage) -> None:
    """Let the fifth fail: its column exists."""
    stage.apply(without=("*add_email*",))
    stage.sql("ALTER TABLE users ADD COLUMN email text")
    stage.apply(fails=True)


def _prisma_resolved(state: str) -> Callable[[Stage], None]:
    """Return a play that marks the failed migration as rolled back or as applied."""

    def play(stage: Stage) -> None:
        _prisma_failed(stage)
        usual = PRISMA.apply(stage.place)
        words = (*usual.words[:3], "resolve", f"--{state}", f"{_TIMES[4]}_add_email")
        # It asks the other engine, which is not there, whether the database can be reached.
        env = usual.env | {"PRISMA_SCHEMA_ENGINE_BINARY": shutil.which("true") or ""}
        stage.call(replace(usual, words=words, env=env))

    return play


def _prisma_again(stage: Stage) -> None:
    """Apply the failed migration again after it was marked as rolled back."""
    _prisma_resolved("rolled-back")(stage)
    stage.sql("ALTER TABLE users DROP COLUMN email")
    stage.apply()


_SEQUELIZE_6 = ("sequelize@6.37.8", "pg@8.23.1")
_DASHED = tuple(name.replace("_", "-") for name in _NAMES)
_MS = tuple(str(1714554000000 + 86400000 * n) for n in range(5))
_PRISMA_NAMES = tuple(f"{time}_{name}" for time, name in zip(_TIMES, _NAMES, strict=True))
_DRIZZLE_TIMES = (
    "1795873284307",
    "1795873285664",
    "1795873287023",
    "1795873288386",
    "1795873289756",
)
_DRIZZLE_RC_NAMES = tuple(
    sorted(path.name for path in (DUMPS / "drizzle_rc" / "migrations").glob("*_*"))
)
_CLASSES = ("CreateUsers", "CreateOrders", "OrderTotal", "IndexOrders", "AddEmail")
PEERS = (
    Peer(
        name="node_pg_migrate",
        tool=bench_tool("node-pg-migrate"),
        trackers=("pgmigrations",),
        apply=_node_pg_migrate,
        sixth=("1714986000000_add-phone.sql", f"-- Up Migration\n{_PHONE}"),
        cases=(
            *usual_cases(
                tuple(f"{ms}_{name}" for ms, name in zip(_MS, _DASHED, strict=True)),
            ),
        ),
    ),
    Peer(
        name="graphile_migrate",
        tool=bench_tool("graphile-migrate"),
        trackers=("graphile_migrate.*",),
        subfolder="migrations",
        prepare=_prepare_graphile,
        sixth=("current.sql", _PHONE),
        cases=(
            Case(
                "complete",
                "applied 000001.sql 000002.sql 000003.sql 000004.sql 000005.sql",
                without(),
            ),
            Case(
                "behind",
                "applied 000001.sql 000002.sql 000003.sql 000004.sql",
                without("committed/000005*"),
            ),
            Case(
                "current", "applied 000001.sql 000002.sql 000003.sql 000004.sql", _graphile_watched
            ),
        ),
    ),
    Peer(
        name="drizzle",
        tool=DRIZZLE,
        trackers=("drizzle.*",),
        subfolder="drizzle",
        prepare=_prepare_drizzle,
        sixth=("0005_add_phone.sql", _PHONE),
        cases=usual_cases(_DRIZZLE_TIMES),
    ),
    Peer(
        name="drizzle_rc",
        tool=DRIZZLE_RC,
        trackers=("drizzle.*",),
        subfolder="drizzle",
        prepare=_prepare_drizzle_rc,
        sixth=("20261201000000_add_phone/migration.sql", _PHONE),
        cases=usual_cases(_DRIZZLE_RC_NAMES, gap=False),
    ),
    Peer(
        name="prisma",
        tool=PRISMA,
        trackers=("_prisma_migrations",),
        subfolder="prisma/migrations",
        prepare=_prepare_prisma,
        sixth=("20240506090000_add_phone/migration.sql", _PHONE),
        cases=(
            *usual_cases(_PRISMA_NAMES),
            Case("failed", "problem failed", _prisma_failed),
            Case("rolled_back", applied(*_PRISMA_NAMES[:4]), _prisma_resolved("rolled-back")),
            Case("resolved", applied(*_PRISMA_NAMES), _prisma_resolved("applied")),
            Case("rolled_back_and_applied", applied(*_PRISMA_NAMES), _prisma_again),
        ),
    ),
    Peer(
        name="knex",
        tool=Tool("knex", "3.3.0", npm("knex@3.3.0", "pg@8.23.1"), _nothing, _knex),
        trackers=("knex_migrations", "knex_migrations_lock"),
        subfolder="migrations",
        prepare=_prepare_knex,
        sixth=("20240506090000_add_phone.js", f"exports.up = (knex) => knex.raw(`{_PHONE}`);\n"),
        cases=(
            *usual_cases(tuple(f"{t}_{n}.js" for t, n in zip(_TIMES, _NAMES, strict=True))),
            Case(
                "one_by_one",
                applied(*(f"{t}_{n}.js" for t, n in zip(_TIMES[:4], _NAMES[:4], strict=True))),
                _knex_one_by_one,
            ),
            Case("locked", "problem locked", _knex_locked, "the lock taken by hand"),
        ),
    ),
    Peer(
        name="umzug",
        tool=Tool("umzug", "3.8.3", npm("umzug@3.8.3", *_SEQUELIZE_6), _nothing, _umzug),
        trackers=("SequelizeMeta",),
        subfolder="migrations",
        prepare=_prepare_umzug,
        sixth=("20240506090000-add-phone.sql", _PHONE),
        cases=usual_cases(tuple(f"{t}-{n}.sql" for t, n in zip(_TIMES, _DASHED, strict=True))),
    ),
    Peer(
        name="sequelize",
        tool=Tool(
            "sequelize-cli",
            "6.6.5",
            npm("sequelize-cli@6.6.5", *_SEQUELIZE_6),
            _nothing,
            _sequelize,
        ),
        trackers=("SequelizeMeta",),
        subfolder="migrations",
        prepare=_prepare_sequelize,
        sixth=(
            "20240506090000-add-phone.js",
            f"module.exports = {{ up: (q) => q.sequelize.query(`{_PHONE}`), down: () => {{}} }};\n",
        ),
        cases=usual_cases(tuple(f"{t}-{n}.js" for t, n in zip(_TIMES, _DASHED, strict=True))),
    ),
    Peer(
        name="typeorm",
        tool=Tool(
            "typeorm",
            "1.1.1",
            npm("typeorm@1.1.1", "pg@8.23.1", "reflect-metadata@0.2.2"),
            _nothing,
            _typeorm,
        ),
        trackers=("migrations",),
        subfolder="migrations",
        prepare=_prepare_typeorm,
        sixth=(
            "1714986000000-AddPhone.js",
            _TYPEORM_SIXTH,
        ),
        cases=usual_cases(
            tuple(f"{name}{ms}" for name, ms in zip(_CLASSES, _MS, strict=True)),
            third="*OrderTotal*",
            fifth="*AddEmail*",
        ),
    ),
)
