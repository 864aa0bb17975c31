"""Tools written in Go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import go, npm
from bench.model import Command, Tool
from bench.peers.layout import files, guarded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File

__all__ = ["TOOLS"]

_GOOSE_TAGS = (
    "no_clickhouse no_libsql no_mssql no_mysql no_sqlite3 no_vertica no_ydb no_duckdb "
    "no_spanner no_starrocks no_turso"
)
_SQL_MIGRATE_CONFIG = """\
bench:
  dialect: postgres
  datasource: ${BENCH_DATABASE}
  dir: files
  table: gorp_migrations
"""


def _program(place: Place, name: str) -> str:
    return str(place.home / "bin" / name)


def _dbmate_program(place: Place) -> str:
    """Return the program itself, not the script of npm that starts it."""
    found = sorted(place.home.glob("node_modules/@dbmate/*/bin/dbmate"))
    return str(found[0]) if found else "dbmate"


def _dbmate(place: Place) -> Command:
    options = ("--migrations-dir", str(place.folder), "--no-dump-schema", "migrate")
    return Command((_dbmate_program(place), "--url", place.url_as("postgres"), *options))


def _dbmate_version(place: Place) -> Command:
    return Command((_dbmate_program(place), "--version"))


def _goose(place: Place) -> Command:
    words = (_program(place, "goose"), "-dir", str(place.folder), "postgres", place.url, "up")
    return Command(words)


def _goose_version(place: Place) -> Command:
    return Command((_program(place, "goose"), "-version"))


def _golang_migrate(place: Place) -> Command:
    options = ("-path", str(place.folder), "-database", place.url_as("pgx5"))
    return Command((_program(place, "migrate"), *options, "up"))


def _golang_migrate_version(place: Place) -> Command:
    return Command((_program(place, "migrate"), "-version"))


def _tern(place: Place) -> Command:
    words = (_program(place, "tern"), "migrate", "--migrations", str(place.folder))
    return Command((*words, "--conn-string", place.url))


def _tern_version(place: Place) -> Command:
    return Command((_program(place, "tern"), "version"))


def _lay_out_sql_migrate(folder: Path, migrations: Sequence[File]) -> None:
    body = guarded("-- +migrate Up\n", "-- +migrate StatementBegin\n", "-- +migrate StatementEnd\n")
    files(body=body)(folder / "files", migrations)
    (folder / "dbconfig.yml").write_text(_SQL_MIGRATE_CONFIG)


def _sql_migrate(place: Place) -> Command:
    words = (_program(place, "sql-migrate"), "up", "-config=dbconfig.yml", "-env=bench")
    return Command(words, {"BENCH_DATABASE": place.url}, place.folder)


def _sql_migrate_version(place: Place) -> Command:
    return Command((_program(place, "sql-migrate"), "--version"))


TOOLS = (
    Tool(
        "dbmate",
        "2.36.0",
        npm("dbmate@2.36.0"),
        files(body=lambda file: f"-- migrate:up\n{file.sql}-- migrate:down\n"),
        _dbmate,
        _dbmate_version,
    ),
    Tool(
        "goose",
        "3.29.0",
        go("github.com/pressly/goose/v3/cmd/goose@v3.29.0", tags=_GOOSE_TAGS),
        files(
            body=guarded("-- +goose Up\n", "-- +goose StatementBegin\n", "-- +goose StatementEnd\n")
        ),
        _goose,
        _goose_version,
    ),
    Tool(
        "golang-migrate",
        "4.20.1",
        go("github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1", tags="pgx5"),
        files("{version:06d}_{name}.up.sql"),
        _golang_migrate,
        _golang_migrate_version,
    ),
    Tool(
        "tern",
        "2.3.4",
        go("github.com/jackc/tern/v2@v2.3.4"),
        files(),
        _tern,
        _tern_version,
        chained=True,
    ),
    Tool(
        "sql-migrate",
        "1.8.1",
        go("github.com/rubenv/sql-migrate/sql-migrate@v1.8.1", cgo=True),
        _lay_out_sql_migrate,
        _sql_migrate,
        _sql_migrate_version,
    ),
)
