"""Migrations of every kind for a state, and how a history of runs is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.chaos.ledger_world import Migration

if TYPE_CHECKING:
    from random import Random

    from bench.chaos.ledger_world import World

__all__ = ["PREPARED", "make_files", "make_history", "plain"]

PREPARED = """
CREATE SCHEMA trace;
CREATE TABLE trace.log (id bigserial, version int, statement int);
CREATE PROCEDURE trace.twice(v int, s int) LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO trace.log (version, statement) VALUES (v, s); COMMIT; END $$;
GRANT USAGE ON SCHEMA trace TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA trace TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA trace TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC;
"""


def _log(version: int, statement: int) -> str:
    return f"INSERT INTO trace.log (version, statement) VALUES ({version}, {statement});\n"


def plain(version: int, *, down: bool = False) -> Migration:
    """Return a file of one transaction."""
    text = f"CREATE TABLE IF NOT EXISTS public.t{version} (i int);\n" + _log(version, 1)
    return Migration(version, text, (1,), down=down)


def _seed(version: int, rng: Random) -> Migration:
    return Migration(version, _log(version, 1), (1,), down=rng.random() < 0.4)


def _failing(version: int) -> Migration:
    text = _log(version, 1) + f"INSERT INTO public.gate{version} VALUES (1);\n"
    return Migration(version, text, (1,), gated=True)


def _alone(version: int, rng: Random) -> Migration:
    """Return a file outside a transaction, half of the time one that stops in its middle."""
    gated = rng.random() < 0.6
    parts = ["-- pgbraid: no-transaction\n", _log(version, 1)]
    if rng.random() < 0.5:
        parts[0] += f"CREATE TABLE IF NOT EXISTS public.t{version} (i int);\n"
        parts.append(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS i{version} ON public.t{version} (i);\n")
        parts[1] = _log(version, 2)
        numbers = [2]
    else:
        numbers = [1]
    if rng.random() < 0.3:
        number = 1 + sum(part.count(";\n") for part in parts)
        parts.append(f"CALL trace.twice({version}, {number});\n")
        numbers.append(number)
    if gated:
        parts.append(f"INSERT INTO public.gate{version} VALUES (1);\n")
    number = 1 + sum(part.count(";\n") for part in parts)
    parts.append(_log(version, number))
    numbers.append(number)
    down = not gated and rng.random() < 0.3
    return Migration(version, "".join(parts), tuple(numbers), gated, alone=True, down=down)


def make_files(rng: Random, count: int, *, pooled: bool = False) -> list[Migration]:
    """Return migrations of random kinds, the first one a plain one."""
    found = [plain(1)]
    for version in range(2, count + 1):
        kind = rng.random()
        if kind < 0.35 or pooled:
            found.append(plain(version, down=rng.random() < 0.4))
        elif kind < 0.6:
            found.append(_seed(version, rng))
        elif kind < 0.7:
            found.append(_failing(version))
        else:
            found.append(_alone(version, rng))
    return found


def make_history(world: World, files: list[Migration]) -> None:
    """Apply some of the files in several runs; undo some; leave some half done or pending."""
    rng, left = world.rng, list(files)
    for _ in range(rng.randint(1, 3)):
        size = rng.randint(1, max(1, len(left)))
        for _ in range(min(size, len(left))):
            world.write(left.pop(0 if rng.random() < 0.8 else rng.randrange(len(left))))
        if world.call("up").code == 3 and rng.random() < 0.6:
            world.open_gates()
            world.call("up")
        if rng.random() < 0.5 and world.facts().rows is not None:
            world.copy()
    if rng.random() < 0.25:
        _undo(world)
    if rng.random() < 0.15:
        _accept(world)
    for migration in left:
        world.write(migration)
    if rng.random() < 0.3:
        world.call("up")


def _undo(world: World) -> None:
    able = [v for v in world.facts().versions if world.files[v].down]
    if able:
        world.call("undo", str(world.rng.choice(sorted(able))), "--yes")
        if world.rng.random() < 0.3:
            world.call("up")


def _accept(world: World) -> None:
    """Change a file that was applied, and accept it."""
    able = sorted(v for v in world.facts().versions if not world.files[v].alone)
    if able:
        version = world.rng.choice(able)
        path = world.folder / world.files[version].name
        path.write_text(path.read_text() + f"SELECT {version};\n")
        world.call("repair", str(version))
