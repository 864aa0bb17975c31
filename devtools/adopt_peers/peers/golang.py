"""Tools written in Go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devtools.adopt_peers.model import Case, Peer, usual_cases
from devtools.adopt_peers.peers.installed import bench_tool, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_NAMES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")
_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
_SQL_MIGRATE = """\
bench:
  dialect: postgres
  datasource: ${BENCH_DATABASE}
  dir: files
  table: gorp_migrations
"""
_BY_HAND = "with rows by hand, as older versions of goose wrote them"


def _goose_down_up(stage: Stage) -> None:
    stage.apply()
    stage.call(with_options(stage, "down", drop=1))
    stage.call(with_options(stage, "up", drop=1))


def _goose_emptied(stage: Stage) -> None:
    stage.apply()
    stage.call(with_options(stage, "down-to", "0", drop=1))


def _goose_missing_allowed(stage: Stage) -> None:
    """Apply the third after the fifth."""
    stage.apply(without=("00003*",))
    stage.lay_out()
    stage.call(with_options(stage, "-allow-missing"))


def _goose_log(*states: str) -> Callable[[Stage], None]:
    """Return a play that ends with rows of the fifth migration, each applied or not."""
    rows = ", ".join(f"(5, {state})" for state in states)

    def play(stage: Stage) -> None:
        stage.apply()
        stage.sql(f"INSERT INTO goose_db_version (version_id, is_applied) VALUES {rows}")

    return play


def _prepare_sql_migrate(place: Place) -> None:
    (place.folder / "dbconfig.yml").write_text(_SQL_MIGRATE)


def _sql_migrate_emptied(stage: Stage) -> None:
    stage.apply()
    command = stage.peer.command(stage.place)
    program, _, *options = command.words
    stage.call(type(command)((program, "down", "-limit=0", *options), command.env, command.folder))


def _dbmate_rolled_back(stage: Stage) -> None:
    stage.apply()
    stage.call(with_options(stage, "rollback", drop=1))


def _tern_to(number: int) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        stage.apply()
        stage.call(with_options(stage, "--destination", str(number)))

    return play


GOOSE = Peer(
    name="goose",
    tool=bench_tool("goose"),
    trackers=("goose_db_version",),
    sixth=("00006_add_phone.sql", f"-- +goose Up\n{_PHONE}"),
    cases=(
        *usual_cases("0000{n}_*", ("1", "2", "3", "4", "5")),
        Case("down_up", "applied 1 2 3 4 5", _goose_down_up),
        Case("emptied", "applied", _goose_emptied),
        Case("missing_allowed", "applied 1 2 4 5 3", _goose_missing_allowed),
        Case("old_down", "applied 1 2 3 4", _goose_log("false"), _BY_HAND),
        Case("old_down_up", "applied 1 2 3 4 5", _goose_log("false", "true"), _BY_HAND),
    ),
)
DBMATE = Peer(
    name="dbmate",
    tool=bench_tool("dbmate"),
    trackers=("schema_migrations",),
    sixth=("20240506090000_add_phone.sql", f"-- migrate:up\n{_PHONE}\n-- migrate:down\n"),
    cases=(
        *usual_cases("2024050{n}*", _TIMES),
        Case("rolled_back", f"applied {' '.join(_TIMES[:4])}", _dbmate_rolled_back),
    ),
)
SQL_MIGRATE = Peer(
    name="sql_migrate",
    tool=bench_tool("sql-migrate"),
    trackers=("gorp_migrations",),
    subfolder="files",
    prepare=_prepare_sql_migrate,
    sixth=("20240506090000-add_phone.sql", f"-- +migrate Up\n{_PHONE}"),
    cases=(
        *usual_cases(
            "2024050{n}*",
            tuple(f"{time}-{name}.sql" for time, name in zip(_TIMES, _NAMES, strict=True)),
        ),
        Case("emptied", "applied", _sql_migrate_emptied),
    ),
)
TERN = Peer(
    name="tern",
    tool=bench_tool("tern"),
    trackers=("schema_version",),
    sixth=("006_add_phone.sql", _PHONE),
    cases=(
        Case("complete", "applied 5", _tern_to(5)),
        Case("behind", "applied 4", _tern_to(4)),
        Case("emptied", "applied 0", _tern_to(0)),
    ),
)
PEERS = (GOOSE, DBMATE, SQL_MIGRATE, TERN)
