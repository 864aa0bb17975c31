"""Guesses which migrations affect each other by the names that their texts share.

A guess determines only the order of the attempts. The result comes from replays.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pgbraid.model.migration import Migration

__all__ = ["Words", "words_of"]

_WORD = re.compile(r"[A-Za-z_][\w$]*")
_COMMON = frozenset(
    "create table alter add column drop index on not null primary key references default insert "  # noqa: SIM905 - to be read
    "into values update set delete from select where and or as if exists function returns language "
    "begin end return trigger before after for each row execute view replace text integer bigint "
    "int boolean timestamp timestamptz now constraint unique foreign cascade public sql plpgsql "
    "type enum id name varchar uuid jsonb comment is value to with grant only schema in then new "
    "old true false case when do".split()
)
"""Words that most migrations have."""
_FACTOR = 8.0
"""The weight of a word that names a differing object; other words have the weight 1."""


def words_of(text: str) -> frozenset[str]:
    """Return the possible names in a text: its words without the common words of SQL."""
    return frozenset(_WORD.findall(text.lower())) - _COMMON


class Words:
    """The words of each migration of a folder, read at their first use."""

    def __init__(self, text_of: Callable[[Migration], str]) -> None:
        self._text_of = text_of
        self._words: dict[int, frozenset[str]] = {}

    def __getitem__(self, migration: Migration) -> frozenset[str]:
        version = migration.version
        if version not in self._words:
            self._words[version] = words_of(self._text_of(migration))
        return self._words[version]

    def has_all(self, migration: Migration, names: Iterable[str]) -> bool:
        """Return whether a migration has all of these names; words such as "table" are ignored."""
        return self[migration] | _COMMON >= set(names)

    def nearest(self, migration: Migration, others: Sequence[Migration]) -> list[Migration]:
        """Return the others that share names with a migration, those with rare names first."""
        frequency = Counter(word for m in others for word in self[m])
        weight = {
            m.version: sum(1.0 / frequency[word] for word in self[m] & self[migration])
            for m in others
        }
        related = [m for m in others if weight[m.version]]
        return sorted(related, key=lambda m: -weight[m.version])

    def likelihoods(
        self,
        pairs: Iterable[tuple[Migration, Migration]],
        migrations: Iterable[Migration],
        differing: frozenset[str],
    ) -> list[float]:
        """Return the likelihood that each pair causes the difference; the sum is 1.

        The weight of a pair is the sum over the names that both migrations have. A name that few
        ``migrations`` have counts more. A name of a ``differing`` object counts 8 times as much.
        Half of the likelihood is the same for each pair, because a text need not name everything
        that it changes.
        """
        frequency = Counter(word for m in migrations for word in self[m])
        weights = [
            sum(
                (_FACTOR if word in differing else 1.0) / frequency[word]
                for word in self[first] & self[second]
            )
            for first, second in pairs
        ]
        total = sum(weights) or 1.0
        return [0.5 / len(weights) + 0.5 * weight / total for weight in weights]
