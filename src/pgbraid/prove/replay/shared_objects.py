"""Refuses migrations that change roles, databases or tablespaces of a server that others use."""

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
    """Checks of migrations on a scratch server that others use, too; each raises ConfigError.

    =====================  ===============================================================
    check                  covers
    =====================  ===============================================================
    ``refuse``             server-wide statements that cannot run in a transaction
    ``guard``              changes of a migration, before its commit
    ``watching``           changes that a script commits itself, after the fact
    =====================  ===============================================================
    """

    def __init__(self, scratch: ScratchServer, script_of: Callable[[Migration], Script]) -> None:
        self._scratch, self._script_of = scratch, script_of

    def refuse(self, migrations: Sequence[Migration]) -> None:
        """Refuse server-wide statements that cannot run in a transaction, such as ALTER SYSTEM.

        Such a change cannot be checked before its commit, unlike those that ``guard`` checks.
        """
        for migration in migrations:
            command = None if is_large(migration) else server_wide(self._script_of(migration))
            if command:
                raise self._changes(migration, (command,))

    def guard(self, session: Session, migration: Migration) -> None:
        """Refuse a migration before its commit if it has changed shared objects."""
        changes = self._scratch.changes_of(session.conn)
        if changes:
            raise self._changes(migration, changes)

    @contextmanager
    def watching(self, order: Sequence[Migration]) -> Iterator[None]:
        """After the block, raise ConfigError if a script has committed such changes by itself.

        A script with COMMIT in CALL or DO cannot be checked before its commit.
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
        names = ", ".join(changes[:3])
        return ConfigError(
            f"{migration.label} changes what the databases of {self._scratch.label} share",
            detail=f"The migration has committed this itself, so pgbraid could not prevent it: "
            f"{names}."
            if committed
            else f"It changes: {names}.",
            hint=("Undo the change on that server. " if committed else "")
            + "Leave `scratch_url` and PGBRAID_SCRATCH_URL out: on the embedded server pgbraid "
            "restores what a replay changes.",
        )
