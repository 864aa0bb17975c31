"""Selects a part of a snapshot: some schemas, or all objects that another snapshot lacks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.snapshot import CatalogRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from pgbraid.model.snapshot import Snapshot

__all__ = ["created_objects", "in_schemas", "outside", "schema_of"]

_EVERYWHERE = frozenset(
    {
        *("database", "schema public", "extension plpgsql"),
        *("comment on schema public", "comment on extension plpgsql"),
    }
)
"""The objects of a new database."""
_OF_THE_SERVER = "comments in pg_"
_WORD = re.compile(r'("(?:[^"]|"")*"|[^\s."()]+)(\.?)')
"""A word, or a quoted name with any characters, and the dot after it."""


def outside(snapshot: Snapshot, other: Snapshot) -> Snapshot:
    """Remove the objects that the other snapshot has and a new database lacks.

    If one of them is a schema, all objects in that schema are removed.
    """
    created = _created(other)
    schemas = _schemas(created)
    return _filtered(
        snapshot,
        lambda key: (
            key not in created
            and not _is_below(key, created, snapshot.parents)
            and schema_of(key) not in schemas
        ),
    )


def created_objects(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the schemas that a new database lacks, and its other objects outside of these schemas.

    Parts of other objects are not listed.
    """
    created = _created(snapshot)
    schemas = _schemas(created)
    return tuple(
        sorted(
            name
            for name in created
            if (name.startswith("schema ") or schema_of(name) not in schemas)
            and not _is_below(name, created, snapshot.parents)
        )
    )


def _created(snapshot: Snapshot) -> set[str]:
    """Return the objects of a snapshot that a new database lacks."""
    keys = {key for part in snapshot.catalogs.values() for key in part.rows} - _EVERYWHERE
    return {key for key in keys if not key.startswith(_OF_THE_SERVER)}


def _schemas(names: Iterable[str]) -> set[str | None]:
    return {schema_of(name) for name in names if name.startswith("schema ")}


def in_schemas(snapshot: Snapshot, schemas: AbstractSet[str]) -> Snapshot:
    """Return the part of a snapshot that belongs to these schemas."""
    return _filtered(snapshot, lambda key: schema_of(key) in schemas)


def schema_of(key: str) -> str | None:
    """Return the schema of an object, as the catalog spells it; None for objects without one."""
    if key.startswith("schema "):
        return key.removeprefix("schema ")
    words = [(match[1], bool(match[2])) for match in _WORD.finditer(key)]
    names = [name for name, _ in words]
    # Default privileges and comments name their schema after "in schema" or "on schema".
    for place, name in enumerate(names[2:], 2):
        if names[place - 1] == "schema" and names[place - 2] in {"in", "on"}:
            return name
    schemas = [name for name, qualifies in words if qualifies]
    # A cast names two types; one can be a type of the server, in pg_catalog.
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
