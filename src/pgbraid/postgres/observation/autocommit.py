"""The effects of a statement that ran outside a transaction, from the catalog before and after it.

Its locks are gone when it has ended. They are known from the kind of the command: with CONCURRENTLY
and for VACUUM the lock is SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.observed import LockMode, ObservedLock
from pgbraid.postgres.observation.effect_reader import Effects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.observed import Catalog, Relation
    from pgbraid.postgres.observation.effect_reader import Known

__all__ = ["effects_between"]


def effects_between(before: Catalog, after: Catalog, command: str, state: Known) -> Effects:
    """Return the effects of a command on the relations that were there before; update ``state``."""
    changed: dict[int, tuple[Relation, Relation | None]] = {}
    files: dict[int, int] = {}
    for oid, relation in before.relations.items():
        now = after.relations.get(oid)
        if now == relation or oid > state.highest:
            continue
        changed[oid] = relation, now
        state.relations[oid] = now
        files[oid] = now.file if now else 0
        files |= {number: index.file for number, index in now.indexes.items()} if now else {}
    locks = tuple(_locks(changed, command))
    made = (oid for oid in after.relations if oid not in before.relations)
    created = {oid: (after.relations[oid].schema, after.relations[oid].name) for oid in made}
    return Effects(locks, {}, {}, files, changed, created)


def _locks(
    changed: dict[int, tuple[Relation, Relation | None]], command: str
) -> Iterator[ObservedLock]:
    """Yield the strongest lock that the command took on each changed relation and its indexes."""
    weak = "CONCURRENTLY" in command
    for oid, (before, now) in changed.items():
        rewritten = now is not None and now.file != before.file
        if weak or (command.startswith("VACUUM") and not rewritten):
            yield ObservedLock(oid, LockMode.SHARE_UPDATE_EXCLUSIVE)
        elif command.startswith("REINDEX"):
            yield ObservedLock(oid, LockMode.SHARE)
            for number, index in before.indexes.items():
                other = now.indexes.get(number) if now else None
                if other is None or other.file != index.file:
                    yield ObservedLock(number, LockMode.ACCESS_EXCLUSIVE)
        else:
            yield ObservedLock(oid, LockMode.ACCESS_EXCLUSIVE)
