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
    from typing import TypeAlias

    from pgbraid.core.model import Migration
    from pgbraid.core.orders import Swap
    from pgbraid.core.proof import Ended, Failure
    from pgbraid.replay import Replayer

    Compare: TypeAlias = Callable[[Ended, Ended], bool]

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
    """A pair among some of what stood before and behind it, tried out in both orders.

    ``differs`` says whether two results differ in the respect that is asked about, and ``at_all``
    whether they differ in any. ``failures`` are those that are asked about, if any.
    """

    def __init__(
        self,
        replayer: Replayer,
        root: str,
        swap: Swap[Migration],
        differs: tuple[Compare, Compare],
        failures: tuple[Failure | None, Failure | None],
    ) -> None:
        self.replayer, self.root, self.swap = replayer, root, swap
        self.differs, self.at_all = differs
        self.failures = failures
        self.run = 0
        """How many migrations were run."""
        self._words: dict[int, frozenset[str]] = {}

    def orders(self, context: Iterable[Migration]) -> tuple[list[Migration], list[Migration]]:
        """Return the two orders of the pair among those of a context."""
        chosen, swap = set(context), self.swap
        before = [m for m in swap.before if m in chosen]
        after = [m for m in swap.after if m in chosen]
        return (
            [*before, swap.first, swap.second, *after],
            [*before, swap.second, swap.first, *after],
        )

    def both(self, context: Iterable[Migration]) -> tuple[Ended, Ended]:
        """Return what the two orders come to among those of a context."""
        left, right = self.orders(context)
        self.run += 2 * len(left)
        ended = self.replayer.try_out(self.root, left)
        return ended, self.replayer.try_out(self.root, right)

    def is_one(self, ends: tuple[Ended, Ended], *, strictly: bool = True) -> bool:
        """Whether these results show that the pair does not commute.

        ``strictly``, what fails of the pair must be what is asked about; what fails behind it may
        be for a difference that shows without it. Else one order at least must run, and of the
        other only the pair may fail.
        """
        failures = [end.failure for end in ends if end.failure]
        pair = {self.swap.first, self.swap.second}
        asked = {f.key for f in self.failures if f and f.migration in pair}
        if len(failures) > 1:
            return [failure.key for failure in failures] == [
                failure.key for failure in self.failures if failure
            ] and failures[0].key != failures[1].key
        if strictly and (asked or failures) and not (failures and failures[0].key in asked):
            return False
        if failures and not strictly and failures[0].migration not in pair:
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
    """Return few migrations among which the pair of an example does not commute."""
    found, strictly = _grown(example)
    if found is None or not strictly:
        found, strictly = _whole(example) or (found, False)
    if found is None:
        return example.swap.before
    most = example.run + _PATIENCE * (len(example.swap.before) + 2)

    def holds(context: tuple[Migration, ...]) -> bool:
        if example.run > most:
            return False
        return example.is_one(example.both(context), strictly=strictly)

    return shrink(found, holds)


def _whole(example: Example) -> tuple[tuple[Migration, ...], bool] | None:
    """Return all that stood before the pair, or round it, if that shows what is asked about."""
    before, after = example.swap.before, example.swap.after
    for context in (before, (*before, *after)):
        if example.is_one(example.both(context)):
            return context, True
    for context in (before, (*before, *after)):
        if example.is_one(example.both(context), strictly=False):
            return context, False
    return None


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
