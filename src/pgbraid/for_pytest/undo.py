"""``pgbraid::undo``: each down file reverts its migration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pgbraid.testing.setup import PROCESS, find_migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.api import Migrator
    from pgbraid.model.snapshot import Snapshot

__all__ = ["UndoCheck"]


class _Failed(Exception):
    """The check failed; the text of the exception is the report."""


class UndoCheck(pytest.Item):
    """For each down file: apply the migration, undo it, and compare the schema with that before."""

    def runtest(self) -> None:
        """Run the check on one database. Raises the errors of a migration that fails."""
        migrator = find_migrations(self.config.rootpath, PROCESS.dir)
        server = PROCESS.suite().public_server()
        lines = list(_differences(migrator, server.create_database))
        if lines:
            raise _Failed("\n".join(lines))

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: object = None,  # noqa: ARG002 - pytest passes it
    ) -> str:
        """Return the report of a failure."""
        from pgbraid.for_pytest.report import report_of  # noqa: PLC0415 - only after a failure
        from pgbraid.model.errors import PgbraidError  # noqa: PLC0415

        error = excinfo.value
        if isinstance(error, PgbraidError):
            return report_of(error)
        return str(error) if isinstance(error, _Failed) else repr(error)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return the place and the name of the check."""
        return Path(PROCESS.dir or "."), None, self.name


def _differences(migrator: Migrator, create: Callable[[], str]) -> Iterator[str]:
    url = create()
    for migration in migrator.migrations.migrations:
        if migration.down is not None:
            before = _before(migrator, url, migration.version)
            migrator.undo(url, migration.version)
            lines = list(_compared(migration.down, before, migrator.snapshot(url)))
            yield from lines
            if lines:
                url = create()  # the rest would make the next migration fail
        migrator.up(url, to=migration.version)


def _before(migrator: Migrator, url: str, version: int) -> Snapshot:
    """Return the schema before a migration, then apply it."""
    snapshot = migrator.snapshot(url)
    migrator.up(url, to=version)
    return snapshot


def _compared(down: str, before: Snapshot, after: Snapshot) -> Iterator[str]:
    from pgbraid.cli.render.differences import difference_lines  # noqa: PLC0415 - after the replays
    from pgbraid.prove.comparison.schema_diff import diff_snapshots  # noqa: PLC0415

    found = diff_snapshots(before, after)
    if found:
        yield f"ERROR:  {down} does not revert its migration"
        yield from difference_lines(found, "before", "after the undo")
