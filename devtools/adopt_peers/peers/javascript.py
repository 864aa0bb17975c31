"""Tools written in JavaScript."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.install import npm
from bench.model import Command, Tool
from bench.peers.javascript import node
from devtools.adopt_peers.model import DUMPS, Case, Peer, applied, usual_cases, without
from devtools.adopt_peers.peers.installed import bench_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS", "link_modules"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_NAMES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")
_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
_KNEX = "module.exports = { client: 'pg', connection: process.env.DATABASE_URL };\n"
_SEQUELIZE = """\
module.exports = { development: { dialect: "postgres", use_env_variable: "DATABASE_URL" } };
"""
_KNEX_SIXTH = f"""\
exports.up = (knex) => knex.raw(`{_PHONE}`);
exports.down = () => {{}};
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


def _nothing(folder: Path, migrations: Sequence[File]) -> None:
    """Write no file: the fixtures are there."""
    del folder, migrations


def link_modules(place: Place) -> None:
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


def _graphile_sixth() -> str:
    """Return the sixth file: it names the hash of the fifth."""
    folder = DUMPS / "graphile_migrate" / "migrations" / "committed"
    fifth = (folder / "000005-add-email.sql").read_text()
    before = fifth.partition("--! Hash: ")[2].partition("\n")[0]
    text = f"{before}\n{_PHONE}"
    own = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return f"--! Previous: {before}\n--! Hash: sha1:{own}\n\n{_PHONE}"


def _graphile_watched(stage: Stage) -> None:
    """Apply a text in current.sql, as a developer does before a commit."""
    stage.apply(without=("committed/000005*",))
    current = stage.files / "current.sql"
    current.write_text("ALTER TABLE users ADD COLUMN email text;\n")
    stage.call(node(stage.place, "graphile-migrate/dist/cli.js", "watch", "--once"))


# knex


def _prepare_knex(place: Place) -> None:
    link_modules(place)
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
    link_modules(place)
    (place.folder / "run.js").write_text(_UMZUG)


def _umzug(place: Place) -> Command:
    return Command(("node", "run.js"), {"DATABASE_URL": place.url}, place.folder)


def _prepare_sequelize(place: Place) -> None:
    link_modules(place)
    (place.folder / "config").mkdir()
    (place.folder / "config" / "config.js").write_text(_SEQUELIZE)


def _sequelize(place: Place) -> Command:
    return node(place, "sequelize-cli/lib/sequelize", "db:migrate")


# TypeORM


def _prepare_typeorm(place: Place) -> None:
    link_modules(place)
    (place.folder / "source.js").write_text(_TYPEORM)


def _typeorm(place: Place) -> Command:
    return node(place, "typeorm/cli.js", "migration:run", "-d", "source.js")


_SEQUELIZE_6 = ("sequelize@6.37.8", "pg@8.23.1")
_DASHED = tuple(name.replace("_", "-") for name in _NAMES)
_MS = tuple(str(1714554000000 + 86400000 * n) for n in range(5))
_KNEX_KEYS = tuple(f"{time}_{name}.js" for time, name in zip(_TIMES, _NAMES, strict=True))
_SEQUELIZE_KEYS = tuple(f"{time}-{name}.js" for time, name in zip(_TIMES, _DASHED, strict=True))
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
        sixth=("committed/000006-add-phone.sql", _graphile_sixth()),
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
        name="knex",
        tool=Tool("knex", "3.3.0", npm("knex@3.3.0", "pg@8.23.1"), _nothing, _knex),
        trackers=("knex_migrations", "knex_migrations_lock"),
        subfolder="migrations",
        prepare=_prepare_knex,
        sixth=("20240506090000_add_phone.js", _KNEX_SIXTH),
        cases=(
            *usual_cases(_KNEX_KEYS),
            Case("rolled_back", applied(*_KNEX_KEYS[:4]), _undo("migrate:down")),
            Case("one_by_one", applied(*_KNEX_KEYS[:4]), _knex_one_by_one),
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
        cases=(
            *usual_cases(_SEQUELIZE_KEYS),
            Case("undone", applied(*_SEQUELIZE_KEYS[:4]), _undo("db:migrate:undo")),
        ),
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
