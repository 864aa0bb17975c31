"""Finds the few migrations behind which two others still do not commute.

What the server says is missing tells which migration is needed, so the example is grown from
nothing; then what it does not need is taken out again. Only where that leads nowhere is all that
stands before the pair shrunk by halves, which takes many replays.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.core.orders import shrink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pgbraid.core.model import Migration
    from pgbraid.core.orders import Swap
    from pgbraid.core.proof import Ended, Failure
    from pgbraid.replay import Replayer

__all__ = ["Example", "smallest_example"]

_MISSING = frozenset({"42P01", "42703", "42883", "42704", "3F000", "42P16", "23503", "22P02"})
"""Codes of what may be for want of a migration: no such table, column, function, type, schema."""
_NAMED = re.compile(r'"([^"]+)"|(?:type|function|procedure|column|relation|table|schema) ([\w.$]+)')
_WORD = re.compile(r"[A-Za-z_][\w$]*")
_MAKES = r"\b(?:create|add|rename|to|insert)\b[^;]*?\b{}\b"
_ROUNDS = 60
_PATIENCE = 6
"""How many times all migrations may be run, before what is left is taken for small enough."""
_COMMON = frozenset(
    "create table alter add column drop index on not null primary key references default insert "  # noqa: SIM905 - to be read
    "into values update set delete from select where and or as if exists function returns language "
    "begin end return trigger before after for each row execute view replace text integer bigint "
    "int boolean timestamp timestamptz now constraint unique foreign cascade public sql plpgsql "
    "type enum id name varchar uuid jsonb comment is value to with grant only schema in then new "
    "old true false case when do".split()
)
"""Words that most migrations have."""


class Example:
    """A pair behind some of what stood before it, tried out in both orders.

    ``differs`` says whether two results differ in the respect that is asked about, and ``at_all``
    whether they differ in any. Where it ``may_fail``, that an order does is an answer.
    """

    def __init__(  # noqa: PLR0913 - a pair, and what is asked of it
        self,
        replayer: Replayer,
        root: str,
        swap: Swap[Migration],
        differs: Callable[[Ended, Ended], bool],
        at_all: Callable[[Ended, Ended], bool],
        *,
        may_fail: bool,
    ) -> None:
        self.replayer, self.root, self.swap = replayer, root, swap
        self.differs, self.at_all, self.may_fail = differs, at_all, may_fail
        self.run = 0
        """How many migrations were run."""
        self._words: dict[int, frozenset[str]] = {}

    def both(self, context: Iterable[Migration]) -> tuple[Ended, Ended]:
        """Return what the two orders of the pair come to behind a context."""
        before, first, second = tuple(context), self.swap.first, self.swap.second
        self.run += 2 * len(before) + 4
        left = self.replayer.try_out(self.root, (*before, first, second))
        return left, self.replayer.try_out(self.root, (*before, second, first))

    def is_one(self, ends: tuple[Ended, Ended], *, strictly: bool = True) -> bool:
        """Whether these results show that the pair does not commute.

        One order at least must run, and of the other only the pair may fail; ``strictly`` both
        must run, unless it is failing that is asked about.
        """
        pair = {self.swap.first, self.swap.second}
        failures = [end.failure for end in ends if end.failure]
        if failures and strictly and not self.may_fail:
            return False
        if len(failures) > 1 or any(failure.migration not in pair for failure in failures):
            return False
        return (self.differs if strictly else self.at_all)(*ends)

    def words(self, migration: Migration) -> frozenset[str]:
        """Return the names that a migration's text may mean."""
        version = migration.version
        if version not in self._words:
            text = self.replayer.text_of(migration).lower()
            self._words[version] = frozenset(_WORD.findall(text)) - _COMMON
        return self._words[version]


def smallest_example(example: Example) -> tuple[Migration, ...]:
    """Return few migrations behind which the pair of an example does not commute."""
    grown, strictly = _grown(example)
    if grown is None:
        grown, strictly = example.swap.before, True
        if not example.is_one(example.both(grown)):
            strictly = False
            if not example.is_one(example.both(grown), strictly=False):
                return grown
    most = example.run + _PATIENCE * (len(example.swap.before) + 2)

    def holds(context: tuple[Migration, ...]) -> bool:
        if example.run > most:
            return False
        return example.is_one(example.both(context), strictly=strictly)

    return shrink(grown, holds)


def _grown(example: Example) -> tuple[tuple[Migration, ...] | None, bool]:
    """Grow a context from nothing, by what the server says is missing.

    Returns it, or None, and whether the pair differs in the respect that is asked about.
    """
    chosen: tuple[Migration, ...] = ()
    weak: tuple[Migration, ...] | None = None
    for _ in range(_ROUNDS):
        ends = example.both(chosen)
        if example.is_one(ends):
            return chosen, True
        if weak is None and example.is_one(ends, strictly=False):
            weak = chosen
        more = _needed(example, chosen, [end.failure for end in ends if end.failure])
        if not more:
            break
        chosen = tuple(m for m in example.swap.before if m in chosen or m in more)
    return weak, False


def _needed(
    example: Example, chosen: tuple[Migration, ...], failures: list[Failure]
) -> set[Migration]:
    """Return what is to stand before the pair, too: makers of what is missing, or of kin."""
    left = [m for m in example.swap.before if m not in chosen]
    for failure in failures:
        if failure.diagnostic.sqlstate not in _MISSING:
            continue
        message = failure.diagnostic.message.lower()
        names = [
            word
            for found in _NAMED.findall(message)
            for word in _WORD.findall("".join(found).rpartition(".")[2])
        ]
        maker = _maker(example, left, names, failure.migration) if names else None
        if maker:
            return {maker}
    shared = example.words(example.swap.first) & example.words(example.swap.second)
    kin = [m for m in left if example.words(m) & shared]
    return set(kin)


def _maker(
    example: Example, left: list[Migration], names: list[str], failed: Migration
) -> Migration | None:
    """Return the migration that makes what another one lacks, the likeliest of those left."""
    known = [m for m in left if m != failed and all(n in example.words(m) | _COMMON for n in names)]
    if not known:
        known = [m for m in left if names[0] in example.words(m)]
    made = [
        m
        for m in known
        if re.search(
            _MAKES.format(re.escape(names[0])), example.replayer.text_of(m).lower(), re.DOTALL
        )
    ]
    return next(iter(made or known), None)
