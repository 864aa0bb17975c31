"""``repair``: accept a modified or renamed file; with ``--trust``, make set and journal agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import PlanRequest
from pgbraid.model.results import Reconciled, Repair, Repaired
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import agreement, journal, record
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.record import record_restored, remove_applied
from pgbraid.postgres.ledger.tables import LedgerTraits, ensure_schema, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.source.content import decode, read_script
from pgbraid.source.filenames import name_style, recorded_name, same_migration_name

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import AppliedMigration, Migration, MigrationSet, Problem
    from pgbraid.model.options import RunOptions
    from pgbraid.model.plan import LedgerState, Plan
    from pgbraid.model.results import Mismatch
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.tables import LedgerTraits

    Trust = Literal["journal", "applied_set"]

__all__ = ["RepairSelection", "accept_files", "reconcile_ledger"]


@dataclass(frozen=True, slots=True)
class RepairSelection:
    """The rows to repair: those of ``versions``, or with ``everything`` all that need it.

    These are the rows of modified files, and the rows without a checksum of adopted ones. Without
    ``rename``, a row whose file has another name raises an error.
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
            acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
            traits = ensure_tables(session)
            changes = _changes(session, migrations, choice, options)
            _record(session, migrations, changes, traits)
            return changes


def _changes(
    session: Session, migrations: MigrationSet, choice: RepairSelection, options: RunOptions
) -> Repair:
    plan = read_plan(session, migrations, PlanRequest(), options=options)
    files = {m.version: m for m in migrations.migrations}
    rows = {row.version: row for replaced in plan.replaced for row in replaced.rows}
    rows |= {row.version: row for row in plan.applied}
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
    # An adopted version has no checksum until the user accepts its file.
    accepted = named or (row.checksum is None and not renamed)
    other_bytes = accepted and row.checksum != file.checksum
    renamed = renamed and choice.rename
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


def reconcile_ledger(command: Command, versions: tuple[int, ...], trust: Trust) -> Reconciled:
    """Make the applied set agree with the journal, or the journal with the applied set.

    ``versions`` limits the repair; without it, all versions on which the tables disagree are
    repaired. Everything is one transaction under the lock, each version gets a journal entry, and
    no migration runs. Raises ConfigError for a version on which the tables agree.
    """
    if trust not in {"applied_set", "journal"}:
        raise ConfigError(f"trust must be 'journal' or 'applied_set', not {trust!r}")
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        state = read_ledger(opened, wait=options.lock_wait, on_waiting=options.report_waiting)
        mismatches = _chosen(state, versions)
        # A journal without a line stops `up`; the line `created` confirms that it is new.
        begin_journal = _ledger_is_empty(opened, state) and trust == "applied_set"
        if not (mismatches or begin_journal):
            return Reconciled(trust)
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            ensure_schema(session)
            acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
            traits = ensure_tables(session)
            mismatches = _chosen(read_ledger(session), versions)
            run_id = journal.new_run_id()
            with transaction(session):
                for mismatch in mismatches:
                    _reconcile(session, mismatch, trust, traits, run_id)
                if begin_journal and not agreement.has_lines(session):
                    journal.append(
                        session, journal.JournalEntry(run_id, "created", detail={"trust": trust})
                    )
            restored = tuple(m for m in mismatches if m.applied)
            removed = tuple(m for m in mismatches if not m.applied)
            return Reconciled(trust, restored, removed)


def _ledger_is_empty(session: Session, state: LedgerState) -> bool:
    """Whether the applied set is empty, and the journal is missing or has no line."""
    return not state.applied and not (state.journal and agreement.has_lines(session))


def _chosen(state: LedgerState, versions: tuple[int, ...]) -> tuple[Mismatch, ...]:
    mismatches = {mismatch.version: mismatch for mismatch in state.mismatches}
    for version in versions:
        if version not in mismatches:
            raise ConfigError(
                f"applied set and journal agree on {version}, so there is nothing to repair",
                hint="Run `pgbraid check` to see on which versions they disagree.",
            )
    return tuple(mismatches[v] for v in sorted(versions or mismatches))


def _reconcile(
    session: Session, mismatch: Mismatch, trust: Trust, traits: LedgerTraits, run_id: str
) -> None:
    """Make applied set and journal agree on one version."""
    version, name = mismatch.version, mismatch.name
    if trust == "journal" and mismatch.applied:
        event = "restored"
    elif trust == "journal":
        event = "removed"
    else:
        event = "unadopted" if mismatch.applied else "adopted"
    entry = journal.JournalEntry(run_id, event, version, name, detail={"trust": trust})
    if event == "restored":
        record_restored(session, mismatch, traits, entry)
    elif event == "removed":
        remove_applied(session, version, entry)
    else:
        journal.append(session, entry)
