"""New tables that the judged migrations fill with the rows of old ones: work on them counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.hazards.analysis.texts import first_words, has_word, names, written_names
from pgbraid.hazards.analysis.work import Cause, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from pgbraid.model.observed import StatementObservation

__all__ = ["FilledTables"]

_INDEX = frozenset({("create", "index"), ("create", "unique")})


class FilledTables:
    """The new tables of a judged set, and the old table whose rows each of them has.

    ``sources`` has the oid of the old table by that of the new one. New tables may be temporary, or
    gone at the end of their migration.
    """

    def __init__(self) -> None:
        self.sources: dict[int, int] = {}
        self._names: dict[int, tuple[str, str]] = {}

    def label(self, oid: int) -> str | None:
        """Return schema and name of a new table, or None if it is none."""
        return ".".join(self._names[oid]) if oid in self._names else None

    def works(self, statement: StatementObservation, older: Container[int]) -> Iterator[Work]:
        """Yield the work of a statement on new tables that an earlier statement filled.

        Tables in ``older`` were there before the migration: they are judged as old ones.
        """
        text = statement.text
        if "truncate" in written_names(text):
            return  # nothing is read
        builds = first_words(text, 2) in _INDEX
        for oid in self.sources:
            name = self._names.get(oid, ("", ""))[1]
            if oid not in older and (oid in statement.scans or (builds and name in names(text))):
                yield Work(_cause(text, name, creates=bool(statement.created)), oid, (), 1)

    def note(
        self, statement: StatementObservation, works: Iterable[Work], rows: Callable[[int], int]
    ) -> None:
        """Note which new tables a statement filled, made or emptied. ``rows`` counts a table's."""
        self._names |= statement.created
        written = written_names(statement.text)
        for oid in self._named(written.get("truncate", set())):
            self.sources.pop(oid, None)
        inserted = written.get("insert", set())
        moved = bool(inserted) and first_words(statement.text, 1) == ("with",)
        sources = [work.table for work in works if moved or work.cause is Cause.FILL]
        if sources:
            largest = max(sources, key=rows)
            for oid in (*self._named(inserted), *statement.created):
                self.sources[oid] = self.sources.get(largest, largest)

    def _named(self, listed: set[str]) -> list[int]:
        return [oid for oid, (_, name) in self._names.items() if name in listed]


def _cause(text: str, name: str, *, creates: bool) -> Cause:
    """Return why a statement works on a new table: its catalog entries are not compared."""
    first = first_words(text, 1)
    if first == ("create",) and has_word(text, "index"):
        return Cause.INDEX_BUILD
    if first == ("alter",):
        if has_word(text, "foreign", "key") or has_word(text, "references"):
            return Cause.FOREIGN_KEY
        built = has_word(text, "unique") or has_word(text, "primary", "key")
        return Cause.CONSTRAINT_INDEX if built else Cause.READ
    written = written_names(text)
    if any(name in written.get(word, ()) for word in ("update", "delete", "merge")):
        return Cause.WRITE
    return Cause.FILL if creates or written.get("insert") else Cause.READ
