"""A part of a snapshot: some schemas only, or what is left without what another one has."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.snapshot import CatalogRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from pgbraid.model.snapshot import Snapshot

__all__ = ["in_schemas", "made_apart", "outside", "schema_of"]

_EVERYWHERE = frozenset(
    {
        *("database", "schema public", "extension plpgsql"),
        *("comment on schema public", "comment on extension plpgsql"),
    }
)
"""Objects that a database has before anybody makes one."""
_OF_THE_SERVER = "comments in pg_"
_WORD = re.compile(r'("(?:[^"]|"")*"|[^\s."()]+)(\.?)')
"""A name, or a word of a sentence; a name in quotes is one, whatever stands in it."""


def outside(snapshot: Snapshot, known: Snapshot) -> Snapshot:
    """Return a snapshot without what another one has, and without all that is in its schemas.

    The schema ``public`` and what every database has are kept.
    """
    there = _made(known)
    schemas = _schemas(there)
    return _filtered(
        snapshot,
        lambda key: (
            key not in there
            and not _is_below(key, there, snapshot.parents)
            and schema_of(key) not in schemas
        ),
    )


def made_apart(snapshot: Snapshot) -> tuple[str, ...]:
    """Return what a database has that not every one has: schemas, and objects outside of them.

    Parts of other objects, and what is in one of the schemas, are not named.
    """
    there = _made(snapshot)
    schemas = _schemas(there)
    return tuple(
        sorted(
            name
            for name in there
            if (name.startswith("schema ") or schema_of(name) not in schemas)
            and not _is_below(name, there, snapshot.parents)
        )
    )


def _made(snapshot: Snapshot) -> set[str]:
    there = {key for part in snapshot.catalogs.values() for key in part.rows} - _EVERYWHERE
    return {key for key in there if not key.startswith(_OF_THE_SERVER)}


def _schemas(names: Iterable[str]) -> set[str | None]:
    return {schema_of(name) for name in names if name.startswith("schema ")}


def in_schemas(snapshot: Snapshot, schemas: AbstractSet[str]) -> Snapshot:
    """Return a snapshot of these schemas only, with all that belongs to them."""
    return _filtered(snapshot, lambda key: schema_of(key) in schemas)


def schema_of(key: str) -> str | None:
    """Return the schema that an object is in, as the catalog spells it, or is; None of others."""
    if key.startswith("schema "):
        return key.removeprefix("schema ")
    words = [(found[1], bool(found[2])) for found in _WORD.finditer(key)]
    names = [name for name, _ in words]
    for place, name in enumerate(names[2:], 2):
        if names[place - 1] == "schema" and names[place - 2] in {"in", "on"}:
            return name
    schemas = [name for name, qualifies in words if qualifies]
    # A cast names two types, of which the server's own is nobody's.
    return next((name for name in schemas if name != "pg_catalog"), next(iter(schemas), None))


def _is_below(name: str, others: AbstractSet[str], parents: Mapping[str, str]) -> bool:
    seen = set[str]()
    while (parent := parents.get(name)) is not None and parent not in seen:
        if parent in others:
            return True
        seen.add(parent)
        name = parent
    return False


def _filtered(snapshot: Snapshot, keep: Callable[[str], bool]) -> Snapshot:
    parts = {
        catalog: CatalogRows(part.columns, {k: facts for k, facts in part.rows.items() if keep(k)})
        for catalog, part in snapshot.catalogs.items()
    }
    return replace(snapshot, catalogs=parts)
