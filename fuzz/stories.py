"""Makes histories of strands that have nothing to do with each other, and of one planted pair."""

from __future__ import annotations

import random
import re
import uuid
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import psycopg

from fuzz.script import shared
from fuzz.strands import Strand
from pgbraid.model.proof import Verdict
from pgbraid.postgres.client.connection import open_connection
from pgbraid.prove.order_pair import OrderPair
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fuzz.planted import Planted
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["ROLES", "Story", "make_story"]

_RUN = uuid.uuid4().hex[:8]
ROLES = tuple(f"pgbraid_fuzz_{_RUN}_{letter}" for letter in "abcdr")
"""Of four strands, and of the planted pairs; they must be there, and are this run's own."""
_OWN = tuple(
    line.strip()
    for line in """
CREATE TABLE own_{n} (id int GENERATED ALWAYS AS IDENTITY, a int, b text DEFAULT 'x');
CREATE TABLE own_{n} (id serial PRIMARY KEY, a int UNIQUE); CREATE INDEX ON own_{n} (a, id);
CREATE TYPE own_{n} AS ENUM ('a', 'b'); CREATE TABLE owned_{n} (e own_{n});
CREATE FUNCTION own_{n}(a int) RETURNS int LANGUAGE sql AS 'SELECT $1 + {n}';
CREATE TABLE own_{n} (a int); INSERT INTO own_{n} SELECT generate_series(1, {n});
CREATE TABLE own_{n} (a int); COMMENT ON TABLE own_{n} IS '{n}'; GRANT SELECT ON own_{n} TO {r};
CREATE VIEW own_{n} AS SELECT {n} AS a, now() AS b;
CREATE SEQUENCE own_{n} INCREMENT {n}; CREATE DOMAIN owned_{n} AS int CHECK (VALUE > {n});
CREATE TABLE own_{n} (a int) PARTITION BY LIST (a); CREATE TABLE o_{n} PARTITION OF own_{n} DEFAULT;
CREATE TABLE own_{n} (a int); CREATE POLICY p ON own_{n} USING (a = {n});
CREATE SCHEMA own_{n}; CREATE TABLE own_{n}.t (a int CONSTRAINT c CHECK (a > {n}));
""".strip().splitlines()
)
"""Migrations that nothing else depends on, and that depend on nothing."""
_NOT_TOLD = ("this_database", "REFERENCES shared.hub (k0)")
"""What no migration says of a database without its name, and what another strand's rows forbid."""
_MOST = 140
"""How many pairs may stand in another order."""


@dataclass(frozen=True, slots=True)
class Story:
    """A history as it was applied and by version, and the versions of the pair, if there is one."""

    kind: str
    question: OrderPair
    pair: frozenset[int]
    verdict: Verdict


@dataclass(slots=True)
class _Plan:
    """What stands where: the block that is late, what it comes behind, and the planted texts."""

    count: int
    block: range
    passed: range
    texts: dict[int, str] = field(default_factory=dict)
    pair: tuple[int, ...] = ()


def make_story(
    scratch: ScratchServer, seed: int, planted: Planted | None, *, longest: int = 160
) -> Story:
    """Return a history of 40 migrations or more, which runs by version, with a block merged late.

    The block and what it comes behind are of strands that commute.
    """
    rng = random.Random(f"{seed} {planted.name if planted else ''}")
    plan = _plan(rng, planted, longest)
    texts = _valid(scratch, _texts(scratch, rng, plan), plan)
    files = load_migrations({f"{n:04d}_m.sql": text for n, text in enumerate(texts, 1)}).migrations
    late, passed = plan.block, plan.passed
    order = (
        *files[: late.start],
        *files[passed.start : passed.stop],
        *files[late.start : late.stop],
        *files[passed.stop :],
    )
    pair = frozenset(files[place].version for place in plan.pair)
    verdict = planted.verdict if planted else Verdict.SAME
    return Story(planted.name if planted else "none", OrderPair(order, files), pair, verdict)


def _plan(rng: random.Random, planted: Planted | None, longest: int) -> _Plan:
    """Choose the places: the first of the pair is in the block, the second behind it."""
    count = rng.randint(40, longest)
    needed = len(planted.before) if planted else 0
    size = rng.randint(1, 6)
    most = min(_MOST // size, count - needed - size - 8)
    length = rng.randint(1, most)
    start = rng.randint(needed + 1, count - size - length)
    block = range(start, start + size)
    plan = _Plan(count, block, range(block.stop, block.stop + length))
    if planted:
        places = sorted(rng.sample(range(1, start), needed))
        plan.texts = dict(zip(places, planted.before, strict=True))
        plan.pair = rng.choice(block), rng.choice(plan.passed)
        plan.texts |= zip(plan.pair, (planted.first, planted.second), strict=True)
    return plan


def _texts(scratch: ScratchServer, rng: random.Random, plan: _Plan) -> list[str]:
    """Return the texts of a history, each of one strand, the shared schema first."""
    query = b"SELECT name FROM pg_available_extensions"
    features = frozenset(name for (name,) in scratch.conn.execute(query).fetchall())
    made = [Strand(rng, number, features) for number in rng.sample(range(4), 4)]
    strands = [_migrations(rng, strand, plan.count) for strand in made]
    texts = [shared()]
    for place in range(1, plan.count):
        if place in plan.texts:
            texts.append(plan.texts[place])
        elif rng.random() < 0.25:
            texts.append(_own(rng, place))
        else:
            late, passed = place in plan.block, place in plan.passed
            number = 0 if late else rng.randint(1, 3) if passed else rng.randint(0, 3)
            texts.append(next(strands[number]))
    return [_named(text) for text in texts]


def _own(rng: random.Random, place: int) -> str:
    return rng.choice(_OWN).replace("{n}", str(place))


def _named(text: str) -> str:
    for role in ROLES:
        text = re.sub(rf"\brole_{role[-1]}\b", role, text)
    return text.replace("{r}", ROLES[-1])


def _migrations(rng: random.Random, strand: Strand, count: int) -> Iterator[str]:
    """Yield a strand's statements, one to three in a migration, without end."""
    strand.texts = {
        section: [text for text in texts if not any(word in text for word in _NOT_TOLD)]
        for section, texts in strand.texts.items()
    }
    statements = iter(strand.statements(3 * count + 4))
    yield f"{next(statements)};\n{next(statements)};"
    for _ in cycle([None]):
        yield "".join(f"{next(statements)};\n" for _ in range(rng.randint(1, 3)))


def _valid(scratch: ScratchServer, texts: Sequence[str], plan: _Plan) -> list[str]:
    """Return the texts with something else in place of what does not run by version."""
    kept = []
    rng = random.Random(plan.count)
    name = scratch.create()
    try:
        with open_connection(scratch.target_of(name).parameters) as conn:
            conn.execute(b"SET client_min_messages = error")
            for place, text in enumerate(texts):
                tried = [text, _named(_own(rng, place))]
                kept.append(next(each for each in tried if _runs(conn, each)))
    finally:
        scratch.drop(name)
    return kept


def _runs(conn: psycopg.Connection, text: str) -> bool:
    try:
        conn.execute(text.encode())
    except psycopg.Error:
        return False
    return True
