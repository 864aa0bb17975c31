"""``adopt``: enter another tool's history in the set, or drop its table after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.migrate.execution.transactional import RunContext, record_adoption
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.planning.preflight_checks import find_tracker
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.results import Adoption
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import foreign_tables, journal, record
from pgbraid.postgres.ledger.applied_set import read_ledger
from pgbraid.postgres.ledger.tables import ensure_schema, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction

if TYPE_CHECKING:
    from pgbraid.importers.tools import Tool
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import AppliedMigration, LedgerTable, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session

__all__ = ["adopt_history", "drop_tracker_table", "unadopt"]


def adopt_history(command: Command) -> Adoption | None:
    """Enter what another tool has applied, running nothing.

    None where our set has rows, or had rows of that history and gave them back.

    Raises ProblemsFound where the other tool's table does not say clearly what is applied,
    and ConfigError where there is no such table.
    """
    migrations, request, options = command.migrations, command.request, command.options
    _check_wanted(request)
    with connect(command.target, command.ledger, options.stop) as opened:
        found = read_plan(opened, migrations, request, options=options)
        if found.applied:
            return None
        found.raise_for_problems()
        if found.adoption is None:
            if record.read_adoption(opened):
                return None
            raise _no_legacy(command.ledger)
        if not found.has_work:
            return found.adoption
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            ensure_schema(session)
            acquire_session_lock(session, wait=options.lock_wait)
            ensure_tables(session)
            now = read_plan(session, migrations, request, options=options, inspected=found)
            now.raise_for_problems()
            if now.adoption:
                record_adoption(RunContext(session, options=options), now.adoption)
            return now.adoption


def _check_wanted(request: PlanRequest) -> None:
    if not request.adopt:
        raise ConfigError(
            "other tools' tables are left alone here",
            hint="Take `adopt = false` away, if this table is ours.",
        )


def _no_legacy(ledger: LedgerTable) -> ConfigError:
    names = sorted({name for family in tools.TOOLS for name in family.tables})
    schemas = dict.fromkeys((ledger.schema, "public"))
    return ConfigError(
        "no other tool's tracker was found",
        detail=f"Looked for {', '.join(names)} in the schema {' and '.join(schemas)}.",
        hint="Name its schema with `schema`, or begin with `pgbraid up`.",
    )


def unadopt(command: Command, versions: tuple[int, ...]) -> tuple[AppliedMigration, ...]:
    """Take versions out of the set that were adopted and never ran, and return their rows.

    A version that the set has not is passed over. Raises ConfigError for one that the journal
    does not say was adopted, or that ran since.
    """
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        if not _withdrawable(opened, versions):
            return ()
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            acquire_session_lock(session, wait=options.lock_wait)
            ensure_tables(session)
            rows = _withdrawable(session, versions)
            run_id = journal.new_run_id()
            with transaction(session):
                for row in rows:
                    entry = journal.JournalEntry(run_id, "unadopted", row.version, row.name)
                    record.remove_applied(session, row.version, entry)
            return rows


def _withdrawable(session: Session, versions: tuple[int, ...]) -> tuple[AppliedMigration, ...]:
    rows = tuple(row for row in read_ledger(session).applied if row.version in versions)
    adopted = record.read_adopted(session, versions) if rows else frozenset()
    for row in rows:
        if row.version not in adopted:
            raise ConfigError(
                f"{row.version} was applied, not adopted, so it is not taken out of the set",
                hint=f"Run its down file with `pgbraid undo {row.version}`.",
            )
    return rows


def drop_tracker_table(command: Command) -> str:
    """Drop the other tool's table and return its name, once all it says is in our set.

    Raises ConfigError where there is none, where it was not adopted, or where that tool has
    applied something since; ProblemsFound where it does not say clearly what is applied.
    """
    options = command.options
    _check_wanted(command.request)
    with (
        connect(command.target, command.ledger, options.stop) as opened,
        monitored_session(opened, options.limits, options.on_event) as (session, _),
    ):
        acquire_session_lock(session, wait=options.lock_wait)
        found = find_tracker(session)
        if found is None:
            raise _no_legacy(command.ledger)
        table, family = found
        _check_covered(session, command.migrations, table, family)
        name = f"{table.schema}.{table.table}"
        with transaction(session):
            foreign_tables.drop_table(session, table.schema, table.table)
            entry = journal.JournalEntry(
                journal.new_run_id(), "tracker_table_dropped", detail={"table": name}
            )
            journal.append(session, entry)
        return name


def _check_covered(
    session: Session, migrations: MigrationSet, table: TrackerTable, family: Tool
) -> None:
    """Refuse to drop a table that was not adopted here, or that says more than our set does."""
    name = f"{table.schema}.{table.table}"
    taken = record.read_adoption(session)
    if taken is None or taken.source != name:
        raise ConfigError(
            f"{name} was not adopted here, so it is not dropped",
            hint="Enter its history in the set with `pgbraid adopt` first; where it is another "
            "application's, leave it.",
        )
    answer = family.adopt(table, migrations, ())
    if not isinstance(answer, Adoption):
        raise ProblemsFound(answer)
    applied = {row.version for row in read_ledger(session).applied}
    if answer.counter not in {taken.counter, *applied, None}:
        raise ConfigError(
            f"{name} says version {answer.counter}, which our set lacks: {family.tool} was used "
            "after the adoption",
            hint="Run `pgbraid status`, and stop using the other tool before its table goes.",
        )
