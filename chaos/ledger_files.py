"""Migrations of every kind for a state, the history that they make, and what people do to files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from chaos.ledger_world import World

__all__ = ["PREPARED", "Migration", "change_files", "make_history", "plain", "traced"]

PREPARED = """
CREATE SCHEMA trace;
CREATE TABLE trace.log (id bigserial, origin int, statement int);
CREATE PROCEDURE trace.twice(v int, s int) LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO trace.log (origin, statement) VALUES (v, s); COMMIT; END $$;
GRANT USAGE ON SCHEMA trace TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA trace TO PUBLIC;
GRANT ALL ON ALL SEQUENCES IN SCHEMA trace TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC;
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file. ``origin`` is the version that its text was written for, and shows in the trace.

    ``statements`` are the numbers of its statements in the trace; one that is ``gated`` fails
    until the table ``gate`` and its origin is there.
    """

    version: int
    text: str
    origin: int
    statements: tuple[int, ...] = (1,)
    gated: bool = False
    down: bool = False
    name: str = ""

    @property
    def alone(self) -> bool:
        """Whether it runs outside a transaction."""
        return self.text.startswith("-- pgbraid: no-transaction")

    @property
    def stem(self) -> str:
        """The file's name without its end."""
        return f"{self.version:03}_{self.name or f'm{self.version}'}"

    @property
    def checksum(self) -> str:
        """The checksum of its text."""
        return sha256(self.text.encode()).hexdigest()


def traced(origin: int, number: int = 1) -> str:
    """Return the statement that leaves a trace."""
    return f"INSERT INTO trace.log (origin, statement) VALUES ({origin}, {number});\n"


def plain(version: int, *, down: bool = False) -> Migration:
    """Return a file of one transaction."""
    text = f"CREATE TABLE IF NOT EXISTS public.t{version} (i int);\n" + traced(version)
    return Migration(version, text, version, down=down)


def _make(version: int, rng: Random) -> Migration:
    kind = rng.choice(["table", "table", "rows", "fails", "alone", "alone", "alone"])
    if kind == "table":
        return plain(version, down=rng.random() < 0.4)
    if kind == "rows":
        return Migration(version, traced(version), version, down=rng.random() < 0.4)
    gate = f"INSERT INTO public.gate{version} VALUES (1);\n"
    if kind == "fails":
        return Migration(version, traced(version) + gate, version, gated=True)
    parts, numbers, gated = [traced(version)], [1], rng.random() < 0.6
    if rng.random() < 0.5:
        parts.append(f"CREATE TABLE IF NOT EXISTS public.t{version} (i int);\n")
        index = f"i{version} ON public.t{version} (i)"
        parts.append(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index};\n")
    if rng.random() < 0.3:
        numbers.append(len(parts) + 1)
        parts.append(f"CALL trace.twice({version}, {numbers[-1]});\n")
    parts += [gate] if gated else []
    numbers.append(len(parts) + 1)
    parts.append(traced(version, numbers[-1]))
    text = "-- pgbraid: no-transaction\n" + "".join(parts)
    return Migration(version, text, version, tuple(numbers), gated)


def make_history(world: World) -> None:
    """Apply some files in several runs; undo some; leave some incomplete or pending."""
    rng = world.rng
    left = [plain(1), *(_make(version, rng) for version in range(2, rng.randint(5, 8)))]
    for _ in range(rng.randint(1, 2)):
        for _ in range(rng.randint(1, max(1, len(left)))):
            if left:
                world.write(left.pop(0 if rng.random() < 0.8 else rng.randrange(len(left))))
        if world.call("up").code == 3 and rng.random() < 0.6:
            world.open_gates()
            world.call("up")
        if rng.random() < 0.5:
            world.copy()
    able = [v for v in world.facts().rows if world.files[v].down]
    if able and rng.random() < 0.4:
        world.call("undo", str(rng.choice(able)), "--yes")
    for migration in left:
        world.write(migration)


def change_files(world: World) -> str:
    """Do to a file what a person or a merge does; return what that was."""
    rng = world.rng
    what = rng.choice(["renamed", "deleted", "renumbered", "comment", "changed", "swapped"])
    first = world.files[rng.choice(sorted(world.files))]
    second = world.files[rng.choice(sorted(world.files))]
    world.remove(first.version)
    if what == "renamed":
        world.write(replace(first, name="other"))
    elif what == "renumbered":
        world.write(replace(first, version=max([first.version, *world.files]) + 2))
    elif what == "comment":
        world.write(replace(first, text=first.text + "-- a comment\n"))
    elif what == "changed":
        world.write(replace(first, text=first.text + "SELECT 1;\n"))
    elif what == "swapped":
        world.write(replace(second, version=first.version))
        world.write(replace(first, version=second.version))
    world.story.append(f"(file {first.version} {what}, the other one {second.version})")
    return f"file {what}"
