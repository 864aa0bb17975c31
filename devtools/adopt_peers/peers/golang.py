"""Tools written in Go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import npm
from bench.model import Command, Tool
from devtools.adopt_peers.model import Case, Peer, applied, usual_cases, without
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


def _golang_migrate(*words: str) -> Callable[[Stage], None]:
    """Return a play that applies all files and then calls the tool once more."""

    def play(stage: Stage) -> None:
        stage.apply()
        stage.call(with_options(stage, *words, drop=1))

    return play


def _golang_migrate_dirty(stage: Stage) -> None:
    stage.lay_out()
    stage.call(with_options(stage, "goto", "2", drop=1))
    stage.sql("ALTER TABLE users ADD COLUMN email text")
    stage.apply(fails=True)


def _golang_migrate_none(stage: Stage) -> None:
    stage.lay_out()
    stage.call(with_options(stage, "force", "--", "-1", drop=1))


def _prepare_supabase(place: Place) -> None:
    (place.folder / "supabase" / "config.toml").write_text('project_id = "app"\n')


def _supabase(place: Place, *words: str) -> Command:
    """Return a call of the Supabase CLI; it has its own version of Node.js."""
    script = str(place.home / "node_modules" / "supabase" / "dist" / "supabase.js")
    call = ("node", script, *(words or ("db", "push", "--include-all")))
    target = ("--db-url", place.url_as("postgresql"), "--workdir", str(place.folder))
    return Command((*call, *target, "--yes"), {"SUPABASE_TELEMETRY_DISABLED": "1"}, place.folder)


def _supabase_seeded(stage: Stage) -> None:
    """Let the tool record a seed file, too."""
    stage.lay_out()
    (stage.folder / "supabase" / "seed.sql").write_text("UPDATE users SET name = 'Ada';\n")
    stage.call(_supabase(stage.place, "db", "push", "--include-seed"))


GOOSE = Peer(
    name="goose",
    tool=bench_tool("goose"),
    trackers=("goose_db_version",),
    sixth=("00006_add_phone.sql", f"-- +goose Up\n{_PHONE}"),
    cases=(
        *usual_cases("12345"),
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
        *usual_cases(_TIMES),
        Case("rolled_back", applied(*_TIMES[:4]), _dbmate_rolled_back),
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
GOLANG_MIGRATE = Peer(
    name="golang_migrate",
    tool=bench_tool("golang-migrate"),
    trackers=("schema_migrations",),
    sixth=("6_add_fax.up.sql", "ALTER TABLE users ADD COLUMN fax text;\n"),
    cases=(
        Case("complete", "applied 4", without()),
        Case("clean", "applied 3", _golang_migrate("goto", "3")),
        Case("dirty", "problem dirty", _golang_migrate_dirty),
        Case("emptied", "applied", _golang_migrate("down", "-all")),
        Case("forced_none", "applied", _golang_migrate_none),
        Case(
            "without_file", "problem tracker_version_without_file 9", _golang_migrate("force", "9")
        ),
    ),
)
SUPABASE = Peer(
    name="supabase",
    tool=Tool("supabase", "2.117.0", npm("supabase@2.117.0"), lambda *_: None, _supabase),
    trackers=("supabase_migrations.*",),
    subfolder="supabase/migrations",
    prepare=_prepare_supabase,
    sixth=("20240506090000_add_phone.sql", _PHONE),
    cases=(*usual_cases(_TIMES), Case("seeded", applied(*_TIMES), _supabase_seeded)),
)
PEERS = (GOOSE, DBMATE, SQL_MIGRATE, TERN, GOLANG_MIGRATE, SUPABASE)
