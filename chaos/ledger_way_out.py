"""Does what the hints of refusals say, as a person who takes them at their word."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from chaos.ledger_facts import JOURNAL, SET
from chaos.ledger_world import errors_of, hint_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.ledger_world import World

__all__ = ["lead_out"]

_STEPS = 16
_COMMAND = re.compile(r"`pgbraid ([^`]+)`")
_ONLY_LOOK = ("status", "check", "plan", "prove", "drift", "up")
_FILE = re.compile(r"/(\d+)_\w+\.sql")
_NUMBERS = re.compile(r"\d+|\S*/\S+")


def lead_out(world: World) -> None:
    """Run ``up``, and do what its hints say until it ends with 0.

    Where a command that a hint names is refused itself, its hint is next. An error whose hint
    names no command that changes something, and nothing of what a person does here by hand, ends
    the way; these are counted.
    """
    ended, said = world.call("up"), ""
    for _ in range(_STEPS):
        if ended.code == 0:
            world.counts["led out"] += 1
            return
        error = next(iter(errors_of(ended.err)), ended.err)
        said = _NUMBERS.sub("N", error.splitlines()[0] if error else "")
        if _by_hand(world, error):
            ended = world.call("up")
            continue
        words = _command(world, error)
        if words is None:
            world.counts[f"by hand: {said[:110]}"] += 1
            return
        answer = world.call(*words)
        if answer.code == 2:
            world.found.append(f"(e) a command that is named can be run; {words}, {answer}")
            return
        ended = answer if answer.code else world.call("up")
    world.found.append(f"(e) the hints lead to the end in {_STEPS} steps; {said}, {ended}")


def _command(world: World, error: str) -> list[str] | None:
    """Return the command of a hint that changes something; of several, one of chance."""
    found = [shlex.split(command) for command in _COMMAND.findall(hint_of(error))]
    found = [words for words in found if words[0] not in _ONLY_LOOK]
    world.rng.shuffle(found)
    for words in found:
        if "VERSION" not in words:
            return words
        facts, done = world.facts(), 0
        for version in sorted(world.files):
            if not world.is_done(facts, version):
                break
            done = version
        if done:
            return [str(done) if word == "VERSION" else word for word in words]
    return None


def _by_hand(world: World, error: str) -> bool:
    """Do what a hint asks for besides a command; whether there was something."""
    hint = hint_of(error)
    ways: tuple[tuple[str, str, Callable[[], object]], ...] = (
        (r'relation "public\.gate', error, world.open_gates),
        ("ids are used up", hint, lambda: world.run(f"ALTER TABLE {JOURNAL} RENAME TO used_up")),
        ("SELECT setval|run: ALTER", hint, lambda: _run_sql(world, hint)),
        ("rigger|rule", hint, lambda: _take_away(world)),
        (
            r"OWNER TO|only the owner|rights|privileges|GRANT|BYPASSRLS|row-level",
            error,
            lambda: _give_rights(world),
        ),
        (r"Remove (?:that|the statement|from the file)", hint, lambda: _harmless(world, error)),
        (
            r"^\S+\.sql:\d+:\d+: ",
            "" if "--skip" in hint else error,
            lambda: _harmless(world, error),
        ),
        ("Delete all but one", hint, lambda: _take_out_copies(world)),
    )
    for pattern, text, act in ways:
        if re.search(pattern, text):
            act()
            return True
    if "--forget" in hint or "--skip" in hint:
        world.open_gates()
    return False


def _run_sql(world: World, hint: str) -> None:
    found = re.search(r"SELECT setval\([^)]*\)|ALTER TABLE [^;]*", hint)
    world.run(found[0] if found else "SELECT 1")
    _take_away(world)


def _take_away(world: World) -> None:
    """Drop every trigger and rule of the ledger's tables."""
    for kind, catalog, name, table in (
        ("TRIGGER", "pg_trigger WHERE NOT tgisinternal AND", "tgname", "tgrelid"),
        ("RULE", "pg_rewrite WHERE", "rulename", "ev_class"),
    ):
        query = (
            f"SELECT format('DROP {kind} %I ON %s', {name}, {table}::regclass) FROM {catalog}"
            f" {table} IN (to_regclass('{SET}')::oid, to_regclass('{JOURNAL}')::oid)"
        )
        for (text,) in world.connection.execute(query.encode()).fetchall():
            world.run(text)


def _take_out_copies(world: World) -> None:
    """Leave one row of each version in the set and what inherits it."""
    world.run(
        f"DELETE FROM {SET} a USING {SET} b WHERE a.version = b.version"
        " AND (a.tableoid, a.ctid) > (b.tableoid, b.ctid)"
    )


def _give_rights(world: World) -> None:
    """Go on as a superuser, who owns both tables and sees every row."""
    for table in (SET, JOURNAL):
        world.run(f"ALTER TABLE IF EXISTS {table} OWNER TO CURRENT_USER")
    world.target, world.blind = world.database.conninfo, False


def _harmless(world: World, error: str) -> None:
    found = _FILE.search(error)
    if found and int(found[1]) in world.files:
        world.make_harmless(int(found[1]))
