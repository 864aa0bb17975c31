"""Tools written in Rust."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.install import cargo
from bench.model import Command, Tool
from devtools.adopt_peers.model import Case, Peer, applied, usual_cases
from devtools.adopt_peers.peers.installed import bench_tool, with_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"


def _sqlx_failed_alone(stage: Stage) -> None:
    """Let the migration outside of a transaction fail: its index exists. It leaves no row."""
    stage.apply(without=("20240504*", "20240505*"))
    stage.sql("CREATE INDEX orders_user_id ON orders (user_id)")
    stage.apply(fails=True)


def _sqlx_update(change: str) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        stage.apply(without=("20240505*",))
        stage.sql(f"UPDATE _sqlx_migrations SET {change} WHERE version = 20240504090000")

    return play


def _sqlx_reverted(stage: Stage) -> None:
    stage.apply()
    command = stage.peer.command(stage.place)
    words = tuple("revert" if word == "run" else word for word in command.words)
    stage.call(replace(command, words=words))


def _refinery_fake(stage: Stage) -> None:
    """Write the tracker without running the files."""
    stage.lay_out()
    stage.call(with_options(stage, "-f"))


def _diesel(place: Place, *words: str) -> Command:
    call = (str(place.home / "bin" / "diesel"), "migration", *(words or ("run",)))
    options = ("--migration-dir", str(place.folder / "migrations"))
    return Command((*call, *options, "--database-url", place.url), folder=place.folder)


def _diesel_reverted(stage: Stage) -> None:
    stage.apply()
    stage.call(_diesel(stage.place, "revert"))


def _prepare_diesel(place: Place) -> None:
    (place.folder / "diesel.toml").write_text("")


_BEHIND = applied(*_TIMES[:4])
_SQLX = bench_tool("sqlx-cli")
PEERS = (
    Peer(
        name="sqlx",
        tool=_SQLX,
        trackers=("_sqlx_migrations",),
        sixth=("20240506090000_add_phone.sql", _PHONE),
        cases=(
            *usual_cases(_TIMES),
            Case("failed_without_row", applied(*_TIMES[:3]), _sqlx_failed_alone),
            Case(
                "failed",
                "problem failed",
                _sqlx_update("success = false"),
                "success of the fourth changed by hand",
            ),
            Case(
                "interrupted",
                _BEHIND,
                _sqlx_update("execution_time = -1"),
                "execution_time of the fourth changed by hand: it is -1 until the tool updates it",
            ),
        ),
    ),
    Peer(
        name="sqlx_reversible",
        tool=_SQLX,
        trackers=("_sqlx_migrations",),
        sixth=("20240506090000_add_phone.up.sql", _PHONE),
        cases=(
            *usual_cases(_TIMES),
            Case("reverted", _BEHIND, _sqlx_reverted),
        ),
    ),
    Peer(
        name="refinery",
        tool=bench_tool("refinery"),
        trackers=("refinery_schema_history",),
        sixth=("V6__add_phone.sql", _PHONE),
        cases=(
            *usual_cases("12345"),
            Case("fake", "applied 1 2 3 4 5", _refinery_fake),
        ),
    ),
    Peer(
        name="diesel",
        tool=Tool(
            "diesel", "2.3.3", cargo("diesel_cli", "2.3.3", "postgres"), lambda *_: None, _diesel
        ),
        trackers=("__diesel_schema_migrations",),
        subfolder="migrations",
        prepare=_prepare_diesel,
        sixth=("2024-05-06-090000_add_phone/up.sql", _PHONE),
        cases=(
            *usual_cases(("00000000000000", *_TIMES)),
            Case("reverted", applied("00000000000000", *_TIMES[:4]), _diesel_reverted),
        ),
    ),
)
