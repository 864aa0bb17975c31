"""``baseline``: record migrations that were applied without pgbraid, without running them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.ledger_problems import MISMATCHES
from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.results import Baselined
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger import journal, record
from pgbraid.postgres.ledger.agreement import mark_unfinished
from pgbraid.postgres.ledger.tables import ensure_schema, ensure_tables
from pgbraid.postgres.locks.lock_monitor import monitored_session
from pgbraid.postgres.locks.session_lock import acquire_session_lock
from pgbraid.postgres.transaction.boundaries import transaction
from pgbraid.source.filenames import name_style, recorded_name

if TYPE_CHECKING:
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.plan import Plan

__all__ = ["BaselineSelection", "record_baseline", "select_migrations"]

_FATAL = frozenset({"squash_incomplete", "tracker_dirty"})


@dataclass(frozen=True, slots=True)
class BaselineSelection:
    """The migrations to record: all versions up to ``through``, and those in ``versions``."""

    through: int | None = None
    versions: tuple[int, ...] = ()


def select_migrations(command: Command, choice: BaselineSelection) -> tuple[Migration, ...]:
    """Return the migrations that :func:`record_baseline` would record, and raise its errors."""
    with connect(command.target, command.ledger, command.options.stop) as opened:
        plan = read_plan(opened, command.migrations, command.request, options=command.options)
        return _chosen(command.migrations, plan, choice)[0]


def record_baseline(command: Command, choice: BaselineSelection) -> Baselined:
    """Record migrations as applied without running them, in one transaction under the lock.

    Their rows have no checksum, because the text that ran is unknown, so the contents of their
    files are not checked. Raises ConfigError for a version without a file, and if another tool's
    table can be adopted instead. Raises ProblemsFound if two files have one version, or if applied
    set and journal disagree.
    """
    migrations, request = command.migrations, command.request
    options = command.options
    with connect(command.target, command.ledger, options.stop) as opened:
        plan = read_plan(opened, migrations, request, options=options)
        chosen, already = _chosen(migrations, plan, choice)
        if not chosen:
            return Baselined((), already)
        with monitored_session(opened, options.limits, options.on_event) as (session, _):
            ensure_schema(session)
            acquire_session_lock(session, wait=options.lock_wait, on_waiting=options.report_waiting)
            ensure_tables(session)
            # Again under the lock: another run may have applied some of them since.
            plan = read_plan(session, migrations, request, options=options)
            chosen, already = _chosen(migrations, plan, choice)
            style = name_style(plan.applied, migrations.migrations)
            run_id = journal.new_run_id()
            with transaction(session):
                for migration in chosen:
                    name = recorded_name(migration, style)
                    record.record_baseline(session, migration, name, run_id)
                    # A baseline also settles an incomplete migration, so its mark is removed.
                    mark_unfinished(session, migration.version, unfinished=False)
            return Baselined(chosen, already)


def _chosen(
    migrations: MigrationSet, plan: Plan, choice: BaselineSelection
) -> tuple[tuple[Migration, ...], int]:
    """Return the migrations to record, and how many of the selected ones are already applied."""
    # Other errors of the plan, such as a modified file, do not concern a baseline.
    fatal = {problem.code for problem in migrations.problems} | MISMATCHES | _FATAL
    problems = tuple(p for p in plan.errors if p.code in fatal)
    if problems:
        raise ProblemsFound(problems)
    if plan.adoption and plan.adoption.migrations:
        raise ConfigError(
            f"{plan.adoption.source} records the migrations that {plan.adoption.tool} has applied",
            hint="Adopt them with `pgbraid adopt`; if the table has nothing to do with these "
            "migrations, run the command with `adopt = false`.",
        )
    for version in (*choice.versions, *([] if choice.through is None else [choice.through])):
        if migrations.get(version) is None:
            raise ConfigError(
                f"no migration has version {version}",
                hint="Run `pgbraid status` to see the versions.",
            )
    through = -1 if choice.through is None else choice.through
    selected = [
        m for m in migrations.migrations if m.version <= through or m.version in choice.versions
    ]
    applied = {row.version for row in plan.applied}
    pending = tuple(m for m in selected if m.version not in applied)
    return pending, len(selected) - len(pending)
