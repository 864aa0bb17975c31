"""Sqitch, which is written in Perl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.peers.perl import sqitch
from devtools.adopt_peers.model import Case, Peer, applied, without
from devtools.adopt_peers.peers.installed import bench_tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Command, Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
_CHANGES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")


def _sqitch(place: Place, *words: str) -> Command:
    verb, *options = words or ("deploy",)
    return sqitch(place, verb, "--target", place.url_as("db:pg"), *options)


def _plan(place: Place) -> None:
    """Add the sixth change to the plan if its script is there."""
    if (place.folder / "deploy" / "add_phone.sql").exists():
        with (place.folder / "sqitch.plan").open("a") as plan:
            plan.write("add_phone 2024-05-06T09:00:00Z Ada <ada@example.org> # add phone\n")


def _behind(stage: Stage) -> None:
    stage.lay_out()
    stage.call(_sqitch(stage.place, "deploy", "--to", "index_orders"))


def _reverted(stage: Stage) -> None:
    stage.apply()
    stage.call(_sqitch(stage.place, "revert", "--to", "index_orders", "-y"))


def _failed(stage: Stage) -> None:
    """Let the fifth fail: its column exists. Sqitch writes an event, and no change."""
    _behind(stage)
    stage.sql("ALTER TABLE users ADD COLUMN email text")
    stage.apply(fails=True)


def _with(*words: str) -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        stage.lay_out()
        stage.call(_sqitch(stage.place, *words))

    return play


PEERS = (
    Peer(
        name="sqitch",
        tool=bench_tool("sqitch"),
        trackers=("sqitch.*",),
        apply=_sqitch,
        prepare=_plan,
        sixth=("deploy/add_phone.sql", f"BEGIN;\n{_PHONE}COMMIT;\n"),
        cases=(
            Case("complete", applied(*_CHANGES), without()),
            Case("behind", applied(*_CHANGES[:4]), _behind),
            Case("reverted", applied(*_CHANGES[:4]), _reverted),
            Case("failed", applied(*_CHANGES[:4]), _failed),
            Case("log_only", applied(*_CHANGES), _with("deploy", "--log-only")),
        ),
    ),
)
