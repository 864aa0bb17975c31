"""Hostile states of the ledger: what runs once runs once, and a yes of ``check`` is true.

A folder of migrations of every kind is applied in several runs. Then the set, the journal, its
sequence, the rights on them or the files are changed as other tools and people do it, or a
migration writes to them. The real command line goes on, and does what its own hints say until it
is through. What ran is read from traces that no damage touches.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pkgutil import walk_packages
from random import Random
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

import pgbraid
from chaos.forks import Ended
from chaos.ledger_bodies import JOURNAL_BODIES, SET_BODIES
from chaos.ledger_damage import DAMAGE, ROLES
from chaos.ledger_facts import SET
from chaos.ledger_files import PREPARED, Migration, make_history, plain, traced
from chaos.ledger_way_out import lead_out
from chaos.ledger_world import World
from chaos.model import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.lab import Lab
    from chaos.model import Result, Size

__all__ = ["control", "prepare_server", "run", "try_state"]

_NOT_IMPORTED = re.compile("__main__|pyinstaller|pytest|hook")
_COUNTED = ("commands", "refusals", "led out", "unknowable", "unread")


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Try states of chance."""
    tally, counts = Tally(), Counter[str]()
    seed = rng.randrange(10**6)
    prepare_server(lab)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        states = range(size.of(12, 2100))
        for number, world in enumerate(pool.map(lambda n: try_state(lab, f"{seed} {n}"), states)):
            story = " ;; ".join(world.story)
            where = f"state {number}, seed '{seed} {number}'"
            tally.note(where, [f"{found} <<< {story}" for found in world.found])
            tally.trials += 1
            counts += world.counts
    kinds = {kind: times for kind, times in counts.items() if kind[:2] in {"D ", "B "}}
    tally.faults = sum(kinds.values())
    by_hand = sum(times for said, times in counts.items() if said.startswith("by hand"))
    told = [f"{len(kinds)} kinds of damage", *(f"{counts[name]} {name}" for name in _COUNTED)]
    tally.remarks.append(", ".join([*told, f"{by_hand} left to a person"]))
    return tally.result()


def prepare_server(lab: Lab) -> None:
    """Make the roles, and import before the first command what commands import."""
    found = [module.name for module in walk_packages(pgbraid.__path__, "pgbraid.")]
    lab.forks.warm(*(name for name in found if not _NOT_IMPORTED.search(name)))
    for role in ROLES:
        if not lab.server.rows("SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            lab.server.run(f"CREATE ROLE {role} LOGIN")


def try_state(lab: Lab, seed: str) -> World:
    """Make one state, and return it with what was not as it must be."""

    def play(world: World) -> None:
        if world.rng.random() < 0.15:
            world.target = make_conninfo(world.target, user=ROLES[0])
        make_history(world)
        if world.rng.random() < 0.25:
            _hostile_body(world)
        for _ in range(world.rng.choice([1, 1, 2])):
            _damage(world)
        for command in ("check", "up", "status"):
            world.call(command)
        version = str(world.rng.choice([*world.files, 1]))
        chosen = (
            "up --dry-run",
            "plan",
            "repair --trust journal",
            "repair --trust applied-set",
            f"resume {version}",
            f"undo {version} --yes",
            f"baseline {version}",
            "repair --all --rename",
        )
        world.call(*world.rng.choice(chosen).split())
        lead_out(world)
        world.call("check")

    return _with_world(lab, seed, play)


def _with_world(lab: Lab, seed: str, play: Callable[[World], None]) -> World:
    folder = lab.new_folder("ledger")
    folder.mkdir()
    with lab.database() as database, database.connect() as connection:
        world = World(lab, database, Random(seed), folder, connection, database.conninfo)
        world.run(PREPARED, tell=False)
        play(world)
    return world


def _damage(world: World) -> None:
    name = world.rng.choice(sorted(DAMAGE))
    try:
        DAMAGE[name](world)
    except psycopg.Error as error:  # of what an earlier damage has taken away
        world.story.append(f"({name}: {str(error).splitlines()[0]})")
    else:
        world.counts[f"D {name}"] += 1


def _hostile_body(world: World) -> None:
    """Apply a file that writes to the ledger, and often one behind it."""
    world.open_gates()
    world.call("up")
    own = max(world.files) + 1
    refused, bodies = world.rng.choice([(True, SET_BODIES), (False, JOURNAL_BODIES)])
    name = world.rng.choice(sorted(bodies))
    text = bodies[name].replace("{next}", str(own + 1)).replace("{own}", str(own))
    if world.rng.random() < 0.3 and "COPY" not in name:
        text = f"-- pgbraid: no-transaction\n{text}"
    world.write(Migration(own, f"{text}\n{traced(own)}", own))
    if world.rng.random() < 0.5:
        world.write(plain(own + 1))
    before, world.hostile = world.facts(), True
    ended = world.call("up", *(["--batch"] if world.rng.random() < 0.3 else []))
    world.hostile = not refused  # where it runs again, lines of the journal go again
    world.story.append(f"(a body: {name})")
    world.counts[f"B {name}"] += 1
    after = world.facts()
    odd = {v for v in after.rows.keys() - before.rows.keys() if not world.is_done(after, v)}
    gone = before.rows.keys() - after.rows.keys()
    if gone or (refused and ended.code == 0):
        world.found.append(f"(d) a body that writes to the set is refused; {odd}, {gone}, {ended}")
    world.by_hand |= odd  # a person was told of them, and says that they are right
    if own not in after.rows:
        world.make_harmless(own)


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Break each promise by hand."""

    def play(world: World) -> None:
        for version in range(1, 4):
            world.write(plain(version))
        world.call("up")
        world.run(f"DELETE FROM {SET} WHERE version = 2")
        lost = world.facts()
        world.judge(("check",), lost, Ended(0, "yes", ""), lost)
        world.run(traced(2))
        world.judge(("up",), lost, Ended(0, "", ""), world.facts())
        before = world.facts()
        world.run(f"DELETE FROM {SET} WHERE version = 3")
        world.judge(("up",), before, Ended(70, "", "ERROR:  no"), world.facts())

    prepare_server(lab)
    found = _with_world(lab, str(rng.random()), play).found
    return tuple(found) if {each[:3] for each in found} >= {f"({x})" for x in "abcde"} else ()
