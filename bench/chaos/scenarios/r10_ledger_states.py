"""Hostile states of the ledger: what runs once runs once, and a yes of ``check`` is true.

A folder of migrations of every kind is applied in several runs; then the set, the journal, its
sequence, the rights on them are damaged as other people's tools do it, or a migration writes to
them; then the real command line goes on, and does what its own hints say until it is through.
What ran is read from traces that no damage touches.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import make_conninfo

from bench.chaos.bouncer import running_bouncer
from bench.chaos.forks import Ended
from bench.chaos.ledger_bodies import JOURNAL, SET
from bench.chaos.ledger_damage import DAMAGE, ROLES
from bench.chaos.ledger_files import PREPARED, make_files, make_history, plain
from bench.chaos.ledger_hints import lead_out
from bench.chaos.ledger_world import Findings, Migration, World
from bench.chaos.model import Tally
from bench.model import Skip

if TYPE_CHECKING:
    from random import Random

    from bench.chaos.bouncer import Bouncer
    from bench.chaos.lab import Lab
    from bench.chaos.model import Result, Size

__all__ = ["control", "run", "try_state"]

_IMPORTED = (
    "pgbraid.api",
    "pgbraid.cli.context",
    "pgbraid.cli.render.story",
    "pgbraid.cli.render.text",
    "pgbraid.deploy",
    "pgbraid.inquiry",
    "pgbraid.piecemeal",
    "pgbraid.reconcile",
    "pgbraid.rehearse",
    "pgbraid.resume",
    "pgbraid.undo",
)


def run(lab: Lab, size: Size, rng: Random) -> Result:
    """Try states of chance, some of them behind a pooler where there is one."""
    tally, findings = Tally(), Findings()
    seed, states = rng.random(), size.of(12, 2000)
    with ExitStack() as stack:
        bouncer = _bouncer(lab, stack)
        prepare_server(lab)
        for number in range(states):
            found = try_state(lab, findings, f"{seed} {number}", bouncer)
            tally.note(f"state {number}", found)
            tally.trials += 1
    tally.faults = sum(findings.kinds.values())
    tally.remarks.append(
        f"{len(findings.kinds)} kinds of damage, {findings.commands} commands; "
        f"{findings.unknowable} versions ran again of which nothing told, which cannot be known; "
        f"{findings.unread} times check said yes to a role that may not read the journal"
    )
    return tally.result()


def prepare_server(lab: Lab) -> None:
    """Make the roles, and import before the first command what commands import."""
    lab.forks.warm(*_IMPORTED)
    for role in ROLES:
        if not lab.server.rows("SELECT FROM pg_roles WHERE rolname = %s", role):
            lab.server.run(f"CREATE ROLE {role} LOGIN")


def _bouncer(lab: Lab, stack: ExitStack) -> Bouncer | None:
    try:
        return stack.enter_context(running_bouncer(lab.server, "transaction"))
    except Skip:
        return None


def try_state(
    lab: Lab, findings: Findings, seed: str, bouncer: Bouncer | None = None
) -> list[str]:
    """Make one state, and return what was not as it must be, with how it came to that."""
    from random import Random  # noqa: PLC0415 - its own chances for each state

    rng = Random(seed)
    folder = lab.new_folder("ledger")
    folder.mkdir()
    with lab.database() as database, database.connect() as connection:
        world = World(lab, database, rng, folder, findings, connection, database.conninfo)
        world.run(PREPARED, tell=False)
        pooled = bouncer is not None and rng.random() < 0.08
        if rng.random() < 0.2 and not pooled:
            world.target = make_conninfo(database.conninfo, user=ROLES[0])
        if pooled and bouncer:
            world.target = bouncer.before(database).conninfo
        make_history(world, make_files(rng, rng.randint(4, 8), pooled=pooled))
        if world.facts().rows is not None:
            world.age()
        if rng.random() < 0.3:
            _hostile_body(world)
        _damage(world)
        _commands(world, pooled=pooled)
        lead_out(world)
        world.call("check")
    story = " ;; ".join(world.story)
    return [f"{each} <<< seed {seed!r}: {story}" for each in world.found]


def _damage(world: World) -> None:
    for turn in range(world.rng.choice([1, 1, 1, 2, 2, 3])):
        if turn and world.rng.random() < 0.5:
            world.write(plain(max(world.files) + 1))
            world.call("up")
        name = world.rng.choice(sorted(DAMAGE))
        try:
            DAMAGE[name](world)
        except psycopg.Error as error:  # what an earlier one has taken away
            world.story.append(f"({name}: {str(error).splitlines()[0]})")
        else:
            world.findings.kinds[name] += 1


def _commands(world: World, *, pooled: bool) -> None:
    rng = world.rng
    for command in ("check", "plan", "up", "up"):
        world.call(command)
    for _ in range(rng.randint(0, 3)):
        version = str(rng.choice(sorted(world.files)))
        choices = [
            ("up", "--dry-run"),
            ("repair", "--trust", "journal"),
            ("repair", "--trust", "set"),
            ("resume", version),
            ("status",),
            ("undo", version, "--yes"),
            ("baseline", version),
        ]
        words = rng.choice(choices)
        if words[0] == "baseline" and rng.random() < 0.7:
            continue
        if not pooled or words[0] in {"repair", "status"}:
            world.call(*words)
    if rng.random() < 0.3:
        world.call("check")


def _hostile_body(world: World) -> None:
    """Apply a file that writes to the ledger, and one behind it."""
    lead_out(world)
    own = max(world.files) + 1
    kind, bodies = world.rng.choice([("set", SET), ("set", SET), ("journal", JOURNAL)])
    name = world.rng.choice(sorted(bodies))
    text = bodies[name].replace("{next}", str(own + 1)).replace("{own}", str(own))
    if world.rng.random() < 0.3 and "COPY" not in name:
        text = f"-- pgbraid: no-transaction\n{text}"
    text += f"\nINSERT INTO trace.log (version, statement) VALUES ({own}, 1);\n"
    world.write(Migration(own, text, (1,)))
    together = world.rng.random() < 0.5
    if together:
        world.write(plain(own + 1))
    before = world.facts()
    ended = world.call("up", *(["--batch"] if world.rng.random() < 0.3 else []))
    world.story.append(f"(a body: {name})")
    world.findings.kinds[f"body, {kind}: {name}"] += 1
    after = world.facts()
    odd = {v for v in after.versions - before.versions if not world.is_done(after, v)}
    if odd or before.versions - after.versions or (kind == "set" and ended.code == 0):
        world.found.append(
            f"(a) a body that writes to the set is refused; rows that never ran {odd}, rows gone "
            f"{before.versions - after.versions}; {ended}"
        )
        world.by_hand |= odd
    if own not in after.versions:
        world.make_harmless(own)
        world.answered.add(own)  # a person has changed the file


def control(lab: Lab, rng: Random) -> tuple[str, ...]:
    """Run a migration a second time, and answer yes over a set that lost a row."""
    prepare_server(lab)
    findings, folder = Findings(), lab.new_folder("ledger")
    folder.mkdir()
    with lab.database() as database, database.connect() as connection:
        world = World(lab, database, rng, folder, findings, connection, database.conninfo)
        world.run(PREPARED, tell=False)
        for version in range(1, 4):
            world.write(plain(version))
        world.call("up")
        world.age()
        world.run("DELETE FROM public.applied_migrations WHERE version = 2")
        lost = world.facts()
        world.judge(("check",), lost, Ended(0, "yes", ""), lost)
        world.run("INSERT INTO trace.log (version, statement) VALUES (2, 1)")
        world.judge(("up",), lost, Ended(0, "", ""), world.facts())
        row = "INSERT INTO public.applied_migrations (version, name) VALUES (2, 'm2')"
        world.run(row)
        world.judge(("repair", "--trust", "journal"), lost, Ended(0, "", ""), world.facts())
        world.judge(("up",), lost, Ended(70, "", "ERROR:  no"), world.facts())
    marks = Counter(said[:3] for said in world.found)
    return tuple(world.found) if {"(a)", "(b)", "(d)", "(e)", "(f)"} <= set(marks) else ()
