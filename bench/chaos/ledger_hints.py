"""Refusals as a person reads them: whether each says what to do, and doing it literally."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from bench.chaos.forks import Ended

if TYPE_CHECKING:
    from bench.chaos.ledger_world import World

__all__ = ["commandless", "lead_out"]

_BLOCK = re.compile(r"^(?:\S+: )?(ERROR|WARNING|NOTICE): ", re.MULTILINE)
_HINT = re.compile(r"^HINT:  (.*)$", re.MULTILINE)
_COMMAND = re.compile(r"`(?:pgbraid |--)([^`]+)`")
_SQL = re.compile(r"\b(?:ALTER TABLE|SELECT setval|GRANT|REVOKE|--direct-url)\b")
_SETVAL = re.compile(r"(SELECT setval\([^)]*\)|ALTER [A-Z]+ [^.;]*\.?[^.;]* RESTART[^.;]*)")
_STEPS = 14


def _errors(text: str) -> list[str]:
    """Return the parts of the output that are an error each."""
    starts = [match.start() for match in _BLOCK.finditer(text)] + [len(text)]
    parts = [text[a:b] for a, b in zip(starts, starts[1:], strict=False)]
    return [part for part in parts if (match := _BLOCK.match(part)) and match[1] == "ERROR"]


def commandless(text: str) -> list[str]:
    """Return the errors that name no command to run next."""
    found = []
    for error in _errors(text):
        hint = "\n".join(_HINT.findall(error))
        if not (_COMMAND.search(error) or _SQL.search(hint)):
            found.append(f"a refusal names a command; {error.splitlines()[0]!r}, hint {hint!r}")
    return found


def lead_out(world: World) -> None:
    """Run ``up`` and do what its hints say until it ends with 0.

    Where a command that a hint names is refused itself, its hint is next.
    """
    ended = world.call("up")
    for _ in range(_STEPS):
        if ended.code == 0:
            return
        after = _follow(world, ended)
        if after is None:
            world.found.append(f"(e) a hint can be followed; {ended}")
            return
        ended = after if after.code else world.call("up")
    world.found.append(f"(e) the hints lead out in {_STEPS} steps; the last: {ended}")


_DONE = Ended(0, "", "")


def _follow(world: World, ended: Ended) -> Ended | None:
    """Do what the first error's hint says; of two ways one of chance."""
    error = next(iter(_errors(ended.err)), "")
    hint = "\n".join(_HINT.findall(error))
    if "Mend what is wrong" in hint or "Mend the file" in error or "gate" in error:
        world.open_gates()
        return _DONE
    if "trigger" in hint or "rule" in hint or "Something changes the journal" in error:
        _take_away(world)
        return _DONE
    if setval := _SETVAL.search(hint):
        world.run(setval[1])
        return _DONE
    if "--direct-url" in hint:
        world.target = world.database.conninfo
        return _DONE
    if "rights" in hint or "OWNER TO" in hint or "row-level security" in error:
        _give_rights(world)
        return _DONE
    if "Take that out of the file" in hint or "Take what empties" in hint:
        return _harmless(world, error)
    if "delete it first" in hint:
        return _delete_row(world, error)
    commands = [c for c in _COMMAND.findall(hint) if not c.startswith(("status", "prove", "new"))]
    commands = [c for c in commands if c != "up" or len(commands) == 1]
    world.rng.shuffle(commands)
    return next(filter(None, (_run(world, command) for command in commands)), None)


def _run(world: World, command: str) -> Ended | None:
    """Run a command of a hint; None where it is none for this state."""
    words = shlex.split(command)
    if words[0].startswith("schema") or words[0].startswith("table"):
        return _look_elsewhere(world, words)
    if "VERSION" in words:
        version = _baseline(world)
        if version is None:
            return None
        words = [str(version) if word == "VERSION" else word for word in words]
    if words[0] == "up":
        return _DONE
    if words[0] == "resume" and "--forget" in words:
        world.open_gates()
    return world.call(*words)


def _look_elsewhere(world: World, words: list[str]) -> Ended:
    world.options = tuple(shlex.split(f"--{' '.join(words)}"))
    if world.moved:
        world.place, world.moved = world.moved, None
    return _DONE


def _baseline(world: World) -> int | None:
    """Return the version up to which everything ran, or None."""
    facts, highest = world.facts(), None
    for version in sorted(world.files):
        if not world.is_done(facts, version):
            break
        highest = version
    return highest


def _take_away(world: World) -> None:
    """Drop every trigger and rule of the ledger's tables."""
    query = """
    SELECT format('DROP TRIGGER %%I ON %%s', tgname, tgrelid::regclass) FROM pg_trigger
     WHERE NOT tgisinternal AND tgrelid = ANY (%s)
    UNION ALL
    SELECT format('DROP RULE %%I ON %%s', rulename, ev_class::regclass) FROM pg_rewrite
     WHERE ev_class = ANY (%s)"""
    names = [world.place.set, world.place.journal]
    oids = [
        row[0]
        for name in names
        for row in world.connection.execute("SELECT to_regclass(%s)::oid", (name,))
        if row[0] is not None
    ]
    for (text,) in world.connection.execute(query.encode(), (oids, oids)).fetchall():
        world.run(text)


def _give_rights(world: World) -> None:
    """Let the role do everything, and see every row."""
    world.story.append("(the role is a superuser now)")
    world.target = world.database.conninfo
    world.blind = False


def _harmless(world: World, error: str) -> Ended | None:
    """Give a file a harmless text in its place, of the same kind."""
    match = re.search(r"/(\d+)_m\d+\.sql", error)
    if match is None:
        return None
    world.make_harmless(int(match[1]))
    return _DONE


def _delete_row(world: World, error: str) -> Ended | None:
    match = re.search(r"has version (\d+) already", error)
    if match is None:
        return None
    world.run(f"DELETE FROM {world.place.set} WHERE version = {match[1]}")
    world.answered.add(int(match[1]))
    return _DONE
