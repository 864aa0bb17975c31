"""The words of migrations' texts, by which it is guessed which migrations have to do with another.

A guess decides only what is tried first: what is said of migrations comes from replays.
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
_ASKED = 8.0
"""How much more a word counts that names what differs."""


def words_of(text: str) -> frozenset[str]:
    """Return the names that a text may mean: its words, but the common ones of SQL."""
    return frozenset(_WORD.findall(text.lower())) - _COMMON


class Words:
    """The words of each migration of a folder, read when they are first asked for."""

    def __init__(self, text_of: Callable[[Migration], str]) -> None:
        self._text_of = text_of
        self._words: dict[int, frozenset[str]] = {}

    def __getitem__(self, migration: Migration) -> frozenset[str]:
        version = migration.version
        if version not in self._words:
            self._words[version] = words_of(self._text_of(migration))
        return self._words[version]

    def has_all(self, migration: Migration, names: Iterable[str]) -> bool:
        """Whether a migration has all of these names; common words are taken for granted."""
        return self[migration] | _COMMON >= set(names)

    def nearest(self, migration: Migration, others: Sequence[Migration]) -> list[Migration]:
        """Return the others that have names in common with a migration, the rarest names first."""
        frequency = Counter(word for m in others for word in self[m])
        weight = {
            m.version: sum(1.0 / frequency[word] for word in self[m] & self[migration])
            for m in others
        }
        found = [m for m in others if weight[m.version]]
        return sorted(found, key=lambda m: -weight[m.version])

    def likelihoods(
        self,
        pairs: Iterable[tuple[Migration, Migration]],
        migrations: Iterable[Migration],
        asked: frozenset[str],
    ) -> list[float]:
        """Return how likely each pair is to blame, as a share of one.

        A pair counts for the names that both have: a rare name more than one that many
        ``migrations`` have, and a name among those ``asked`` about most of all. Half of the
        likelihood is the same for each pair, as the texts do not say everything.
        """
        frequency = Counter(word for m in migrations for word in self[m])
        found = [
            sum(
                (_ASKED if word in asked else 1.0) / frequency[word]
                for word in self[first] & self[second]
            )
            for first, second in pairs
        ]
        total = sum(found) or 1.0
        return [0.5 / len(found) + 0.5 * one / total for one in found]
