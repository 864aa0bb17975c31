"""Puts a history together: its migrations, which of them are late, and where they ran."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fuzz.seeds.changes import SCHEMA_STEPS
from fuzz.seeds.steps import ROW_STEPS, Pen, steps_for
from fuzz.seeds.world import make_world

if TYPE_CHECKING:
    from fuzz.seeds.world import World

__all__ = ["Story", "make_story"]

_SHARE_OF_SCHEMA = 0.28


@dataclass(frozen=True, slots=True)
class Story:
    """A history: the texts by version, the order in which they were applied, and what refers.

    ``soft`` names columns without a foreign key that hold keys: each with its table and column, and
    the table and column it means; ``made`` and ``drawn`` are as a world has them.
    """

    seed: int
    texts: dict[int, str]
    order: tuple[int, ...]
    soft: dict[tuple[str, str], tuple[str, str]]
    made: frozenset[tuple[str, str]]
    drawn: dict[tuple[str, str], str]
    steps: tuple[str, ...]

    @property
    def files(self) -> dict[str, str]:
        """The migrations as files."""
        return {f"{version:03d}_m.sql": text for version, text in self.texts.items()}

    def without(self, version: int) -> Story | None:
        """Return the history without one migration; None where nothing would be late any more."""
        texts = {v: text for v, text in self.texts.items() if v != version}
        order = tuple(v for v in self.order if v != version)
        if len(texts) < 3 or list(order) == sorted(order):
            return None
        return replace(self, texts=texts, order=order)


def make_story(seed: int) -> Story:
    """Return a history by chance: 3 to 12 migrations of which one to three are late."""
    rng = random.Random(seed)
    w, texts = make_world(rng)
    first = len(texts)
    names: list[str] = []
    for number in range(first + 1, first + 1 + rng.randint(2, 12 - first)):
        text, used = _migration(w, number)
        texts.append(text)
        names.append(f"{number}: {' + '.join(used)}")
    versions = list(range(1, len(texts) + 1))
    return Story(
        seed,
        dict(zip(versions, texts, strict=True)),
        _late(rng, versions, first),
        dict(w.soft),
        frozenset(w.made),
        dict(w.drawn),
        tuple(names),
    )


def _migration(w: World, number: int) -> tuple[str, list[str]]:
    rng, pen = w.rng, Pen(w, number)
    texts, used = [], []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        steps = SCHEMA_STEPS if rng.random() < _SHARE_OF_SCHEMA else ROW_STEPS
        name, write, _ = rng.choice(steps_for(w, steps))
        texts.append(write(pen))
        used.append(name)
    return "\n".join(texts), used


def _late(rng: random.Random, versions: list[int], first: int) -> tuple[int, ...]:
    """Return the order in which one to three migrations came behind some with higher versions."""
    movable = versions[first:-1]
    late = sorted(rng.sample(movable, min(len(movable), rng.choice((1, 1, 1, 2, 3)))))
    order = [version for version in versions if version not in late]
    for version in late:
        highest = next((n for n, v in enumerate(order) if v > version), len(order) - 1)
        # Behind at least one with a higher version, most often behind all of them.
        place = len(order) if rng.random() < 0.7 else rng.randint(highest + 1, len(order))
        order.insert(place, version)
    return tuple(order)
