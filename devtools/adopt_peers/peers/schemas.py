"""Tools that write migrations from a schema in TypeScript."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.out_of_order.schemas import (
    DRIZZLE,
    DRIZZLE_CONFIG,
    DRIZZLE_RC,
    PRISMA,
    PRISMA_SCHEMA,
)
from devtools.adopt_peers.model import DUMPS, Case, Peer, applied, usual_cases
from devtools.adopt_peers.peers.javascript import link_modules

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model import Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_NAMES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")
_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
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


# Drizzle Kit


def _prepare_drizzle_rc(place: Place) -> None:
    link_modules(place)
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
    link_modules(place)
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
PEERS = (
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
)
