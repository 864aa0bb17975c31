"""Refuses migrations that change what the databases of a scratch server of others share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.source.content import is_large
from pgbraid.sql.classify import may_commit, server_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.migration import Migration
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.scratch.databases import ScratchServer
    from pgbraid.sql.script import Script

__all__ = ["SharedServerGuard"]


class SharedServerGuard:
    """A scratch server that is not ours. Everything raises ConfigError for what changes it."""

    def __init__(self, scratch: ScratchServer, script_of: Callable[[Migration], Script]) -> None:
        self._scratch, self._script_of = scratch, script_of

    def refuse(self, migrations: Sequence[Migration]) -> None:
        """Refuse statements that run in no transaction, such as ALTER SYSTEM.

        What others do to the server is found before it is committed.
        """
        for migration in migrations:
            command = None if is_large(migration) else server_wide(self._script_of(migration))
            if command:
                raise self._changes(migration, (command,))

    def guard(self, session: Session, migration: Migration) -> None:
        """Refuse a migration before it is committed."""
        changes = self._scratch.changes_of(session.conn)
        if changes:
            raise self._changes(migration, changes)

    @contextmanager
    def watching(self, order: Sequence[Migration]) -> Iterator[None]:
        """Refuse, behind the block, what a body of the order has committed itself.

        Nobody can look at that before it is committed.
        """
        committing = next(filter(self._may_commit, order), None)
        if committing is None:
            yield
            return
        before = self._scratch.shared()
        yield
        changes = self._scratch.changed_since(before)
        if changes:
            raise self._changes(committing, changes, committed=True)

    def _may_commit(self, migration: Migration) -> bool:
        if not migration.directives.no_transaction:
            return False
        return is_large(migration) or may_commit(self._script_of(migration))

    def _changes(
        self, migration: Migration, changes: Sequence[str], *, committed: bool = False
    ) -> ConfigError:
        named = ", ".join(changes[:3])
        return ConfigError(
            f"{migration.label} changes what the databases of {self._scratch.label} share",
            detail=f"It has committed this itself, so pgbraid could not prevent it: {named}."
            if committed
            else f"It changes: {named}.",
            hint=("Undo the change on that server. " if committed else "")
            + "Leave `scratch_url` and PGBRAID_SCRATCH_URL out: on the embedded server pgbraid "
            "restores what a replay changes.",
        )
