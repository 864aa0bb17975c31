"""More tools written in Go, which the benchmark does not have."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from bench.install import go
from bench.model import Command, Tool
from devtools.adopt_peers.model import Case, Peer, applied, usual_cases, without
from devtools.checkout import Skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.model import Place
    from devtools.adopt_peers.stage import Stage

__all__ = ["PEERS"]

_TIMES = tuple(f"2024050{n}090000" for n in range(1, 6))
_NAMES = ("create_users", "create_orders", "order_total", "index_orders", "add_email")
_PHONE = "ALTER TABLE users ADD COLUMN phone text;\n"
_QUIET = {"ATLAS_NO_UPDATE_NOTIFIER": "1", "ATLAS_NO_ANON_TELEMETRY": "1"}
_PGROLL_SIXTH = """\
{"operations": [{"sql": {"up": "ALTER TABLE users ADD COLUMN phone text"}}]}
"""


def _install_atlas(home: Path) -> None:
    """Find Atlas: `go install` refuses it, as its module replaces another one."""
    if not (home / "bin" / "atlas").exists():
        raise Skip(f"build cmd/atlas from its sources and put it in {home / 'bin'}")


def _program(place: Place, name: str) -> str:
    return str(place.home / "bin" / name)


# Atlas


def _atlas(place: Place, *words: str, query: str = "") -> Command:
    """Return a call of Atlas that applies files, also outside the linear order."""
    url = place.url_as("postgres") + query
    order = ("--exec-order", "non-linear")
    target = ("--url", url, "--dir", f"file://{place.folder}/migrations", *order)
    return Command((_program(place, "atlas"), "migrate", "apply", *words, *target), _QUIET)


def _hash_atlas(place: Place) -> None:
    """Write atlas.sum for the files that are there: Atlas refuses a folder without it."""
    folder = f"file://{place.folder}/migrations"
    words = [_program(place, "atlas"), "migrate", "hash", "--dir", folder]
    subprocess.run(words, check=True, capture_output=True, env=os.environ | _QUIET)


def _atlas_with(*words: str, query: str = "") -> Callable[[Stage], None]:
    def play(stage: Stage) -> None:
        stage.lay_out()
        stage.call(_atlas(stage.place, *words, query=query))

    return play


def _atlas_baseline(stage: Stage) -> None:
    """Start with a database that has the first two migrations, without a history."""
    stage.lay_out()
    for path in sorted(stage.files.glob("2024050[12]*.sql")):
        stage.sql(path.read_text())
    stage.call(_atlas(stage.place, "--baseline", _TIMES[1]))


def _atlas_partial(stage: Stage) -> None:
    """Let the second statement of the migration outside of a transaction fail."""
    stage.lay_out()
    stage.call(_atlas(stage.place, "3"))
    stage.sql("CREATE INDEX orders_note ON orders (note)")
    stage.call(_atlas(stage.place), fails=True)


def _atlas_set(stage: Stage) -> None:
    """Let `atlas migrate set` mark the fifth as applied."""
    stage.lay_out()
    stage.call(_atlas(stage.place, "4"))
    program, _, _, *target = _atlas(stage.place).words
    stage.call(Command((program, "migrate", "set", _TIMES[4], *target[:-2]), _QUIET))


# pgmigrate by Peter Downs


def _pgmigrate(place: Place, *words: str) -> Command:
    call = (_program(place, "pgmigrate"), *(words or ("migrate",)))
    return Command(
        (*call, "--database", place.url_as("postgres"), "--migrations", str(place.folder)),
        folder=place.folder,
    )


def _pgmigrate_marked(stage: Stage) -> None:
    """Let the tool mark all as applied without running them."""
    stage.lay_out()
    stage.call(_pgmigrate(stage.place, "ops", "mark-applied", "--all"))


# pgroll


def _pgroll(place: Place, *words: str) -> Command:
    call = (_program(place, "pgroll"), "--postgres-url", place.url_as("postgres"))
    migrations = str(place.folder / "migrations")
    return Command((*call, *(words or ("migrate", migrations, "--complete"))), folder=place.folder)


def _init_pgroll(place: Place) -> None:
    """Let pgroll create its schema; a second call changes nothing."""
    subprocess.run(_pgroll(place, "init").words, check=True, capture_output=True)


def _pgroll_started(stage: Stage) -> None:
    """Start the fifth, and do not complete it."""
    stage.apply(without=("05*",))
    stage.lay_out()
    stage.call(_pgroll(stage.place, "start", str(stage.files / "05_add_email.json")))


def _pgroll_inferred(stage: Stage) -> None:
    """Change the schema by hand: pgroll's event trigger writes a row for that."""
    stage.apply()
    stage.sql("CREATE TABLE notes (id bigint PRIMARY KEY)")


ATLAS = Peer(
    name="atlas",
    tool=Tool("atlas", "1.2.3", _install_atlas, lambda *_: None, _atlas),
    trackers=("atlas_schema_revisions",),
    subfolder="migrations",
    prepare=_hash_atlas,
    sixth=("20240506090000_add_phone.sql", _PHONE),
    cases=(
        Case("complete", applied(*_TIMES), without()),
        Case("behind", applied(*_TIMES[:4]), _atlas_with("4")),
        Case("gap", applied(*_TIMES[:2], *_TIMES[3:]), without("20240503*")),
        Case("in_public", applied(*_TIMES), _atlas_with(query="&search_path=public")),
        Case("baseline", applied(*_TIMES[1:]), _atlas_baseline),
        Case("partial", "problem partial", _atlas_partial),
        Case("set", applied(*_TIMES), _atlas_set),
    ),
)
PGMIGRATE = Peer(
    name="pgmigrate",
    tool=Tool(
        "pgmigrate",
        "0.4.0",
        go("github.com/peterldowns/pgmigrate/cmd/pgmigrate@v0.4.0"),
        lambda *_: None,
        _pgmigrate,
    ),
    trackers=("pgmigrate_migrations",),
    sixth=("00006_add_phone.sql", _PHONE),
    cases=(
        *usual_cases(tuple(f"{n:05d}_{name}" for n, name in enumerate(_NAMES, 1))),
        Case(
            "marked",
            applied(*(f"{n:05d}_{name}" for n, name in enumerate(_NAMES, 1))),
            _pgmigrate_marked,
        ),
    ),
)
PGROLL = Peer(
    name="pgroll",
    tool=Tool(
        "pgroll",
        "0.16.2",
        go("github.com/xataio/pgroll@v0.16.2", cgo=True),
        lambda *_: None,
        _pgroll,
    ),
    trackers=("migrations", "pgroll_version"),
    subfolder="migrations",
    prepare=_init_pgroll,
    beside=("public_0*",),
    removal=("DROP SCHEMA pgroll CASCADE", "DROP SCHEMA public_05_add_email CASCADE"),
    sixth=("06_add_phone.json", _PGROLL_SIXTH),
    cases=(
        *usual_cases(tuple(f"{n:02d}_{name}" for n, name in enumerate(_NAMES, 1)), gap=False),
        Case(
            "inferred",
            applied(*(f"{n:02d}_{name}" for n, name in enumerate(_NAMES, 1))),
            _pgroll_inferred,
        ),
        Case("started", "problem incomplete", _pgroll_started),
    ),
)
PEERS = (ATLAS, PGMIGRATE, PGROLL)
