"""Tools written in Java."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from devtools.adopt_peers.model import Case, Peer, applied, usual_cases, without
from devtools.adopt_peers.peers.installed import bench_tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Command, Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"


def _flyway(place: Place, *options: str, verb: str = "migrate") -> Command:
    """Return a call of Flyway. Its default lock would wait for CREATE INDEX CONCURRENTLY."""
    usual = bench_tool("flyway").apply(place)
    lock = "-postgresql.transactional.lock=false"
    return replace(usual, words=(*usual.words[:-1], lock, *options, verb))


def _failed(stage: Stage) -> None:
    """Let the migration outside of a transaction fail: its index exists."""
    stage.apply(without=("V4*", "V5*"))
    stage.sql("CREATE INDEX orders_user_id ON orders (user_id)")
    stage.apply(fails=None)  # called as a class, Flyway exits with 0


def _baseline(stage: Stage) -> None:
    """Start with a database that has the first two migrations, without a history."""
    stage.lay_out()
    for path in sorted(stage.files.glob("V[12]__*")):
        stage.sql(path.read_text())
    stage.call(_flyway(stage.place, "-baselineVersion=2", verb="baseline"))
    stage.apply()


def _out_of_order(stage: Stage) -> None:
    stage.apply(without=("V3*",))
    stage.lay_out()
    stage.call(_flyway(stage.place, "-outOfOrder=true"))


def _deleted(stage: Stage) -> None:
    """Remove the third file and repair: the history gets a row that deletes it."""
    stage.apply()
    stage.lay_out(without=("V3*",))
    stage.call(_flyway(stage.place, verb="repair"))


def _in_schema(stage: Stage) -> None:
    """Let the tool create the schema: the history gets a row for that."""
    stage.lay_out()
    stage.call(_flyway(stage.place, "-schemas=app", "-defaultSchema=app"))


def _rerun(stage: Stage) -> None:
    """Run a repeatable migration again, after a change."""
    stage.lay_out()
    path = stage.files / "R__active_users.sql"
    path.write_text(path.read_text().replace("id > 0", "id > 10"))
    stage.call(_flyway(stage.place))
    stage.apply()


def _liquibase_failed(stage: Stage) -> None:
    """Let the fourth fail: its index exists. It has `failOnError:false`, so the rest follows."""
    stage.apply(without=("*004*", "*005*"))
    stage.sql("CREATE INDEX orders_user_id ON orders (user_id)")
    stage.apply()


def _liquibase_mark_ran(stage: Stage) -> None:
    """Let the precondition of the fifth not hold: its column exists."""
    stage.apply(without=("*005*",))
    stage.sql("ALTER TABLE users ADD COLUMN email text")
    stage.apply()


def _liquibase(verb: str, option: str, *, reads_files: bool = True) -> Callable[[Stage], None]:
    """Return a play that applies all files and calls Liquibase once more."""

    def play(stage: Stage) -> None:
        stage.apply()
        usual = stage.peer.command(stage.place)
        words = [verb if word == "update" else word for word in usual.words]
        if not reads_files:
            words = [word for word in words if "changelog" not in word]
        stage.call(replace(usual, words=(*words, option)))

    return play


def _liquibase_reran(stage: Stage) -> None:
    """Run the third again, after a change: it has `runOnChange:true`."""
    stage.lay_out()
    path = stage.files / "files" / "003_order_total.sql"
    path.write_text(path.read_text().replace("total bigint", "total bigint := 0"))
    stage.call(stage.peer.command(stage.place))
    stage.apply()


def _liquibase_failed_by_hand(stage: Stage) -> None:
    stage.apply()
    stage.sql("UPDATE databasechangelog SET exectype = 'FAILED' WHERE id LIKE '5-%'")


def _liquibase_synced(stage: Stage) -> None:
    """Let `changelog-sync` record all without running them."""
    stage.lay_out()
    usual = stage.peer.command(stage.place)
    words = tuple("changelog-sync" if word == "update" else word for word in usual.words)
    stage.call(replace(usual, words=words))


_CHANGESETS = (
    "1-create-users",
    "2-create-orders",
    "3-order-total",
    "4-index-orders",
    "5-add-email",
)
_FLYWAY = bench_tool("flyway")
_HISTORY = ("flyway_schema_history",)
PEERS = (
    Peer(
        name="flyway",
        tool=_FLYWAY,
        trackers=_HISTORY,
        apply=_flyway,
        sixth=("V6__add_phone.sql", _PHONE),
        cases=(
            *usual_cases("12345"),
            Case("failed", "problem failed", _failed),
            Case("baseline", "applied 2 3 4 5", _baseline),
            Case("out_of_order", "applied 1 2 4 5 3", _out_of_order),
            Case("deleted", "applied 1 2 4 5", _deleted),
            Case("created_schema", "applied 1 2 3 4 5", _in_schema),
        ),
    ),
    Peer(
        name="flyway_dotted",
        tool=_FLYWAY,
        trackers=_HISTORY,
        apply=_flyway,
        sixth=("V2.1__add_phone.sql", _PHONE),
        cases=(
            Case("complete", "applied 1 1.1 1.9 1.10 2", without()),
            Case("behind", "applied 1 1.1 1.9 1.10", without("V2__*")),
        ),
    ),
    Peer(
        name="flyway_repeatable",
        tool=_FLYWAY,
        trackers=_HISTORY,
        apply=_flyway,
        sixth=("V6__add_phone.sql", _PHONE),
        cases=(
            Case("complete", "applied 1 2 3 5 R__Order_notes R__active_users", without()),
            Case("behind", "applied 1 2 3 R__Order_notes R__active_users", without("V5__*")),
            Case("rerun", "applied 1 2 3 5 R__Order_notes R__active_users", _rerun),
        ),
    ),
    Peer(
        name="liquibase",
        tool=bench_tool("liquibase"),
        trackers=("databasechangelog", "databasechangeloglock"),
        sixth=(
            "files/006_add_phone.sql",
            f"--liquibase formatted sql\n\n--changeset ada:6-add-phone\n{_PHONE}",
        ),
        cases=(
            *usual_cases(_CHANGESETS),
            Case(
                "failed_without_row",
                applied(*_CHANGESETS[:3], _CHANGESETS[4]),
                _liquibase_failed,
            ),
            Case(
                "failed",
                "problem failed",
                _liquibase_failed_by_hand,
                "exectype of the fifth changed by hand",
            ),
            Case("reran", applied(*_CHANGESETS), _liquibase_reran),
            Case("mark_ran", applied(*_CHANGESETS), _liquibase_mark_ran),
            Case(
                "rolled_back",
                applied(*_CHANGESETS[:4]),
                _liquibase("rollback-count", "--count=1"),
            ),
            Case(
                "tagged", applied(*_CHANGESETS), _liquibase("tag", "--tag=v1.0", reads_files=False)
            ),
            Case("synced", applied(*_CHANGESETS), _liquibase_synced),
        ),
    ),
)
