"""``repair``: accept a file that was modified or renamed after it was applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import PlanRequest
from pgbraid.model.results import Repair, Repaired
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import journal, record
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.tables import LedgerTraits, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.source.content import decode, read_script
from pgbraid.source.filenames import name_style, recorded_name, same_migration_name

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import AppliedMigration, Migration, MigrationSet, Problem
    from pgbraid.model.options import RunOptions
    from pgbraid.model.plan import Plan
    from pgbraid.postgres.client.session import Session

__all__ = ["RepairSelection", "accept_files"]


@dataclass(frozen=True, slots=True)
class RepairSelection:
    """The rows to repair: those of ``versions``, or with ``everything`` of all modified files.

    Without ``rename``, a row whose file has another name raises an error.
    """

    versions: tuple[int, ...] = ()
    everything: bool = False
    rename: bool = False


def accept_files(command: Command, choice: RepairSelection) -> Repair:
    """Record the checksums, and with ``rename`` the names, of files in the applied set.

    All rows change in one transaction under the lock, each with a journal entry. Raises ConfigError
    if a version is not applied, has no file, or has another name without ``rename``. Raises
    ConfigError also if name and text of a file both differ and ``versions`` does not list it.
    """
    migrations, options = command.migrations, command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        unlocked_changes = _changes(opened, migrations, choice, options)
        if not unlocked_changes.repaired:
            return unlocked_changes
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            acquire_session_lock(session, wait=options.lock_wait)
            traits = ensure_tables(session)
            changes = _changes(session, migrations, choice, options)
            _record(session, migrations, changes, traits)
            return changes


def _changes(
    session: Session, migrations: MigrationSet, choice: RepairSelection, options: RunOptions
) -> Repair:
    plan = read_plan(session, migrations, PlanRequest(), options=options)
    files = {m.version: m for m in migrations.migrations}
    rows = {row.version: row for row in plan.applied}
    for version in choice.versions:
        _check_version(version, rows, files)
    taken = tuple(p for p in plan.problems if p.code == "version_taken")
    repaired: list[Repaired] = []
    unchanged: list[Migration] = []
    renamed: list[Migration] = []
    for row in plan.applied:
        named = row.version in choice.versions
        if row.version in files and (named or choice.everything):
            if not (named and choice.rename):
                _refuse_other(row.version, taken)
            change = _change(row, files[row.version], plan, choice, named=named)
            if change:
                repaired.append(change)
            elif not choice.rename and _has_other_name(row, files[row.version]):
                renamed.append(files[row.version])
            elif named:
                unchanged.append(files[row.version])
    return Repair(tuple(repaired), tuple(unchanged), tuple(renamed))


def _refuse_other(version: int, taken: tuple[Problem, ...]) -> None:
    """Raise ConfigError if the file of a version is not the migration that was applied."""
    for problem in taken:
        if version in problem.versions:
            raise ConfigError(problem.message, detail=problem.detail, hint=problem.hint)


def _has_other_name(row: AppliedMigration, file: Migration) -> bool:
    return bool(row.name) and not same_migration_name(row.name or "", file.version, file.name)


def _check_version(
    version: int, rows: dict[int, AppliedMigration], files: dict[int, Migration]
) -> None:
    if version not in rows:
        raise ConfigError(
            f"{version} is not applied, so there is nothing to repair",
            hint="Run `pgbraid status` to see the versions.",
        )
    if version not in files:
        raise ConfigError(
            f"{version} has no file here that could be accepted",
            hint="Name the folder that holds it with `dir`, or fix the problems that `pgbraid "
            "check --offline` reports.",
        )


def _change(
    row: AppliedMigration, file: Migration, plan: Plan, choice: RepairSelection, *, named: bool
) -> Repaired | None:
    """Return the change to accept, or None if the file is as it was recorded."""
    modified = next((m for m in plan.modified_files if m.migration.version == row.version), None)
    renamed = _has_other_name(row, file)
    if renamed and not choice.rename and (named or modified):
        raise ConfigError(
            f"{file.version} was applied under the name {row.name!r}, its file is {file.file!r}",
            hint=f"Accept the new name too with `pgbraid repair --rename {file.version}`.",
        )
    renamed = renamed and choice.rename
    other_bytes = named and row.checksum != file.checksum
    if not (modified or renamed or other_bytes):
        return None
    return Repaired(
        file,
        kind=modified.kind if modified else None,
        old_checksum=row.checksum,
        old_name=row.name if renamed else None,
    )


def _record(
    session: Session, migrations: MigrationSet, changes: Repair, traits: LedgerTraits
) -> None:
    applied = read_ledger(session).applied
    style = name_style(applied, migrations.migrations)
    names = {row.version: row.name for row in applied}
    run_id = journal.new_run_id()
    with transaction(session):
        for change in changes.repaired:
            file = change.migration
            unchanged_name = change.old_name is None and names[file.version]
            entry = _entry(run_id, change)
            name = unchanged_name or recorded_name(file, style)
            record.record_repaired(session, file, traits=traits, name=name, entry=entry)


def _entry(run_id: str, change: Repaired) -> journal.JournalEntry:
    file = change.migration
    data, _ = read_script(file)
    detail = {"old_checksum": change.old_checksum, "change": change.kind}
    if change.old_name is not None:
        detail["old_name"] = change.old_name
    return journal.JournalEntry(
        run_id,
        "repaired",
        file.version,
        file.name,
        checksum=file.checksum,
        text=decode(data),
        detail=detail,
    )
