"""The checks that run only if anything is pending or changed, such as those of scripts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.checksum_comparison import modified_files
from pgbraid.migrate.planning.empty_files import refuse_new_empty_files
from pgbraid.migrate.planning.ledger_problems import (
    first_run_problems,
    incomplete_lost,
    journal_missing,
    mismatch_problems,
)
from pgbraid.migrate.planning.planner import (
    incomplete_above_target,
    incomplete_changed,
    incomplete_without_file,
    is_above,
    make_plan,
    put_incomplete_first,
    renumbered_problem,
)
from pgbraid.migrate.planning.replaced_rows import squash_problems
from pgbraid.migrate.planning.tracker_use import used_since_adoption
from pgbraid.migrate.planning.trackers import plan_adoption
from pgbraid.model.migration import Location, Problem, Severity
from pgbraid.postgres.ledger.agreement import read_ended, read_unfinished
from pgbraid.postgres.ledger.incomplete import read_incomplete
from pgbraid.source.content import check_scripts, is_large, read_script
from pgbraid.source.filenames import same_migration_name
from pgbraid.sql import checksum
from pgbraid.sql.checks.script_checks import WARNINGS
from pgbraid.sql.classify import classify_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import AppliedMigration, Migration, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import LedgerState, Plan
    from pgbraid.postgres.client.session import Session

__all__ = ["plan_with_checks"]


def plan_with_checks(
    session: Session,
    migrations: MigrationSet,
    state: LedgerState,
    request: PlanRequest,
    *,
    inspected: Plan | None,
) -> Plan:
    """Return the plan with every problem, as ``read_plan`` promises."""
    incomplete_migrations = state.incomplete
    adoption, problems = (
        plan_adoption(session, migrations, state, request)
        if not (incomplete_migrations or state.replaced)
        else (None, ())
    )
    modified = tuple(modified_files(session, migrations, state))
    plan = make_plan(
        migrations,
        state,
        adoption=adoption,
        modified=modified,
        verify=request.verify,
        to=request.to,
    )
    plan = put_incomplete_first(plan, incomplete_migrations, only=request.only)
    above = tuple(
        incomplete_above_target(incomplete)
        for incomplete in incomplete_migrations
        if is_above(incomplete, request.to)
    )
    problems = (
        *problems,
        *(adoption.problems if adoption else ()),
        *squash_problems(state),
        *_ledger_problems(session, migrations, state, request, plan),
        *_adopted(session, migrations, state, request, plan, asked=inspected is not None),
        *_renumbered(plan),
        *refuse_new_empty_files(
            tuple(_script_problems(plan, inspected)),
            migrations,
            (step.migration.version for step in plan.gaps),
        ),
        *_changed_incomplete(migrations, incomplete_migrations, others_wait=plan.has_work),
        *above,
        *(_refused_gaps(plan) if request.refuse_gaps else ()),
    )
    if any(problem.code in {"tracker_found", "tracker_unknown"} for problem in problems):
        # The tables are those of the other tool's migrations.
        problems = tuple(p for p in problems if p.code != "database_not_empty")
    return replace(plan, problems=(*plan.problems, *problems))


def _ledger_problems(
    session: Session,
    migrations: MigrationSet,
    state: LedgerState,
    request: PlanRequest,
    plan: Plan,
) -> Iterator[Problem]:
    """Yield the signs that the applied set is not complete or not right."""
    ledger = session.ledger
    adopted = {m.version for m in plan.adoption.migrations} if plan.adoption else set()
    # This run adopts these versions again, so their missing rows are no problem.
    readopted = [m for m in state.mismatches if m.last_event == "adopted" and m.version in adopted]
    if not (state.applied or state.replaced or plan.adoption):
        yield from first_run_problems(session, migrations, state, request)
    if len(readopted) < len(state.mismatches):
        yield from mismatch_problems([m for m in state.mismatches if m not in readopted], ledger)
        return
    if state.applied and not state.journal and plan.has_work:
        yield journal_missing(ledger)
    nontransactional = [s.migration for s in plan.steps if s.migration.directives.no_transaction]
    incomplete = {migration.version for migration in state.incomplete}
    lost = _lost(session, [file for file in nontransactional if file.version not in incomplete])
    yield from (incomplete_lost(file, ledger) for file in lost)


def _lost(session: Session, files: Sequence[Migration]) -> Sequence[Migration]:
    """Return the files that are marked as started, and have no line in the journal."""
    marked = read_unfinished(session) if files else frozenset()
    files = [file for file in files if file.version in marked]
    if not files:
        return ()
    # Another run may have started or finished one since the journal was read. Line and mark commit
    # together, so reading first the journal again and then the mark gives no false alarm.
    incomplete = {migration.version for migration in read_incomplete(session)}
    marked = read_unfinished(session)
    lost = [f for f in files if f.version in marked and f.version not in incomplete]
    # Only the table's owner can remove a mark: another role may have completed the migration since.
    ended = read_ended(session, [f.version for f in lost]) if lost else frozenset()
    return [file for file in lost if file.version not in ended]


def _refused_gaps(plan: Plan) -> Iterator[Problem]:
    """Yield an error for each gap that has not started; an incomplete migration may continue."""
    highest = max((row.version for row in plan.applied), default=0)
    for step in plan.gaps:
        migration = step.migration
        if not step.incomplete:
            yield Problem(
                "gap_refused",
                f"{migration.label} is out of order: {highest} is already applied, and `gaps` is "
                "refuse",
                hint="Compare the results of both orders with `pgbraid prove`; then apply it with "
                "`pgbraid up --gaps apply`, or, if no database has applied it, give it a version "
                f"above {highest}.",
                location=Location(migration.path),
                versions=(migration.version,),
            )


def _changed_incomplete(
    migrations: MigrationSet,
    incomplete_migrations: tuple[IncompleteMigration, ...],
    *,
    others_wait: bool,
) -> Iterator[Problem]:
    """Yield a problem for each incomplete migration with a missing or changed file.

    A missing file is an error if other migrations are pending (``others_wait``), else a warning.
    """
    present = {v for problem in migrations.problems for v in problem.versions}
    for incomplete in incomplete_migrations:
        file = migrations.get(incomplete.version)
        if file is None:
            # A release that is older than the file must boot, for a rollback, if it has no work.
            if incomplete.version not in present:
                severity = Severity.ERROR if others_wait else Severity.WARNING
                yield replace(incomplete_without_file(incomplete), severity=severity)
            continue
        if is_large(file):
            continue  # check_scripts rejects a large non-transactional file
        _, script = read_script(file)
        if not file.directives.no_transaction:
            yield incomplete_changed(incomplete, file, None)
            continue
        statements = {statement.number: statement for statement in classify_statements(script)}
        for completed in incomplete.completed:
            statement = statements.get(completed.number)
            if statement is None or statement.digest != completed.digest:
                yield incomplete_changed(incomplete, file, completed.number)
                break


def _renumbered(plan: Plan) -> Iterator[Problem]:
    """Yield a problem for each step whose text was applied under a version without a file.

    Of an adopted version only the name is known.

    A script without statements is skipped, because running it again has no effect.
    """
    missing = list(plan.missing_files)
    for step in plan.steps if missing else ():
        file = step.migration
        checksums = _checksum_variants(file)
        same = [row for row in missing if row.checksum in checksums or _is_adopted(row, file)]
        same.sort(key=lambda row: not same_migration_name(row.name or "", row.version, file.name))
        if same:
            missing.remove(same[0])
            yield renumbered_problem(file, same[0])


def _is_adopted(row: AppliedMigration, file: Migration) -> bool:
    named = bool(row.name) and same_migration_name(row.name or "", row.version, file.name)
    return row.checksum is None and named


def _checksum_variants(file: Migration) -> frozenset[str]:
    """Return the text's checksum for each kind of line ends; for a large file only as it is."""
    if is_large(file):
        return frozenset({file.checksum})
    data, script = read_script(file)
    return frozenset(checksum.checksum_variants(data)) if script.statements else frozenset()


def _script_problems(plan: Plan, inspected: Plan | None) -> Iterator[Problem]:
    """Yield the problems of the steps' scripts; keep the warnings of scripts already inspected."""
    seen = {step.migration for step in inspected.steps} if inspected else set()
    kept_versions = {step.migration.version for step in plan.steps if step.migration in seen}
    for problem in inspected.problems if inspected else ():
        if problem.code in WARNINGS and kept_versions.issuperset(problem.versions):
            yield problem
    yield from check_scripts(s.migration for s in plan.steps if s.migration not in seen)


def _adopted(  # noqa: PLR0913 - as plan_with_checks
    session: Session,
    migrations: MigrationSet,
    state: LedgerState,
    request: PlanRequest,
    plan: Plan,
    *,
    asked: bool,
) -> Iterator[Problem]:
    """Yield the problems of an earlier adoption; ``asked``: the table was read for this run."""
    yield from _adopted_not_applied(state, request)
    if not asked:
        yield from used_since_adoption(session, migrations, plan, request)


def _adopted_not_applied(state: LedgerState, request: PlanRequest) -> Iterator[Problem]:
    """Warn of each version of ``not_applied`` that was adopted as applied before."""
    for row in state.applied:
        if row.version in request.not_applied and row.checksum is None:
            yield Problem(
                "adopted_before",
                f"{row.version} is already in the applied set, so `not_applied` {row.version} has "
                "no effect",
                hint=f"If it was adopted, `pgbraid adopt --not-applied {row.version}` removes it, "
                "and `pgbraid up` runs it.",
                severity=Severity.WARNING,
                versions=(row.version,),
            )
