"""Looks at what a first look found new: texts that are to run or have changed, other trackers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.importers import tools
from pgbraid.migrate.planning import modified_files
from pgbraid.migrate.planning.first_run import first_run_problems
from pgbraid.migrate.planning.incomplete_first import (
    incomplete_above_target,
    incomplete_changed,
    incomplete_without_file,
    is_above,
    put_incomplete_first,
)
from pgbraid.migrate.planning.ledger_problems import (
    incomplete_lost,
    journal_missing,
    mismatch_problems,
)
from pgbraid.migrate.planning.planner import make_plan, renumbered_problem
from pgbraid.model.migration import Location, Problem, Severity, is_digest
from pgbraid.model.results import Adoption, ModificationKind, ModifiedFile
from pgbraid.postgres.ledger import foreign_tables, journal
from pgbraid.postgres.ledger.agreement import read_unfinished
from pgbraid.postgres.ledger.first_run import has_foreign_rows
from pgbraid.postgres.ledger.incomplete import read_incomplete
from pgbraid.postgres.ledger.record import read_adoption
from pgbraid.source.content import LargeFileReader, check_scripts, decode, is_large, read_script
from pgbraid.source.filenames import same_migration_name
from pgbraid.sql import checksum
from pgbraid.sql.checks.script_checks import WARNINGS
from pgbraid.sql.classify import classify_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.importers.tools import Tool
    from pgbraid.model.incomplete import IncompleteMigration
    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.options import PlanRequest
    from pgbraid.model.plan import LedgerState, Plan
    from pgbraid.model.results import TrackerTable
    from pgbraid.postgres.client.session import Session

__all__ = ["find_tracker", "plan_with_checks"]


def plan_with_checks(
    session: Session,
    migrations: MigrationSet,
    state: LedgerState,
    request: PlanRequest,
    *,
    inspected: Plan | None,
) -> Plan:
    """Return the plan, with every problem; what ``read_plan`` promises."""
    incomplete_migrations = state.incomplete
    adoption, problems = (
        _adoption(session, migrations, state, request) if not incomplete_migrations else (None, ())
    )
    drifts = tuple(_drifts(session, migrations, state))
    found = make_plan(
        migrations, state, adoption=adoption, drifts=drifts, verify=request.verify, to=request.to
    )
    found = put_incomplete_first(found, incomplete_migrations, only=request.only)
    late = _late_not_applied(state, request)
    scripts = _script_problems(found, inspected)
    above = tuple(
        incomplete_above_target(incomplete)
        for incomplete in incomplete_migrations
        if is_above(incomplete, request.to)
    )
    wrong = (*_changed_incomplete(migrations, incomplete_migrations, waits=found.has_work), *above)
    refused = _refused_gaps(found) if request.refuse_gaps else ()
    ledger_problems = _ledger_problems(session, migrations, state, request, found)
    problems = (*problems, *ledger_problems, *late, *_renumbered(found), *scripts, *wrong, *refused)
    return replace(found, problems=(*found.problems, *problems))


def _ledger_problems(
    session: Session,
    migrations: MigrationSet,
    state: LedgerState,
    request: PlanRequest,
    found: Plan,
) -> Iterator[Problem]:
    """Find where the set is not all that is known of what was applied."""
    ledger = session.ledger
    adopted = {m.version for m in found.adoption.migrations} if found.adoption else set()
    again = [m for m in state.mismatches if m.last_event == "adopted" and m.version in adopted]
    if len(again) < len(state.mismatches):
        yield from mismatch_problems([m for m in state.mismatches if m not in again], ledger)
        return
    if state.applied and not state.journal and found.has_work:
        yield journal_missing(ledger)
    if not (state.applied or state.incomplete or found.adoption):
        yield from first_run_problems(session, migrations, state, request)
    alone = [s.migration for s in found.steps if s.migration.directives.no_transaction]
    known = {incomplete.version for incomplete in state.incomplete}
    lost = _lost(session, [file for file in alone if file.version not in known])
    yield from (incomplete_lost(file, ledger) for file in lost)


def _lost(session: Session, files: Sequence[Migration]) -> Sequence[Migration]:
    """Return those that are marked as begun, and have no line in the journal.

    Another run may have begun one, or finished it, since the journal was read. So where there is a
    mark, the journal is read again, and then the mark: they are written in one transaction.
    """
    marked = read_unfinished(session) if files else frozenset()
    files = [file for file in files if file.version in marked]
    if not files:
        return ()
    begun = {incomplete.version for incomplete in read_incomplete(session)}
    marked = read_unfinished(session)
    return [f for f in files if f.version in marked and f.version not in begun]


def _refused_gaps(found: Plan) -> Iterator[Problem]:
    """Refuse late migrations where the settings say so; what is incomplete is not late."""
    highest = max((row.version for row in found.applied), default=0)
    for step in found.gaps:
        migration = step.migration
        if not step.incomplete:
            yield Problem(
                "gap_refused",
                f"{migration.label} is late: {highest} is applied, and gaps are refused",
                hint=f"See what it would come to with `pgbraid prove`; then apply it with "
                f"`pgbraid up --gaps apply`, or give it a version above {highest}.",
                location=Location(migration.path),
                versions=(migration.version,),
            )


def _changed_incomplete(
    migrations: MigrationSet, incomplete_migrations: tuple[IncompleteMigration, ...], *, waits: bool
) -> Iterator[Problem]:
    """Find incomplete migrations whose file is gone, or says other than what was done of it.

    That one is gone is an error where something ``waits`` for it. Where nothing does, an older
    release is started, maybe.
    """
    present = {v for problem in migrations.problems for v in problem.versions}
    for incomplete in incomplete_migrations:
        file = migrations.get(incomplete.version)
        if file is None:
            if incomplete.version not in present:
                severity = Severity.ERROR if waits else Severity.WARNING
                yield replace(incomplete_without_file(incomplete), severity=severity)
            continue
        if is_large(file):
            continue  # refused as such
        _, script = read_script(file)
        if not file.directives.no_transaction:
            yield incomplete_changed(incomplete, file, None)
            continue
        digests = {statement.number: statement for statement in classify_statements(script)}
        for through in incomplete.completed:
            statement = digests.get(through.number)
            if statement is None or statement.digest != through.digest:
                yield incomplete_changed(incomplete, file, through.number)
                break


def _renumbered(found: Plan) -> Iterator[Problem]:
    """Find texts that were applied under another version, whose file is gone.

    One without a statement is passed over: nothing happens where it runs again.
    """
    gone = [row for row in found.missing_files if row.checksum]
    for step in found.steps if gone else ():
        file = step.migration
        own = _checksum_variants(file)
        same = [row for row in gone if row.checksum in own]
        same.sort(key=lambda row: not same_migration_name(row.name or "", row.version, file.name))
        if same:
            gone.remove(same[0])
            yield renumbered_problem(file, same[0])


def _checksum_variants(file: Migration) -> frozenset[str]:
    """Return the checksums that a text can have by its line ends; a large one is not re-read."""
    if is_large(file):
        return frozenset({file.checksum})
    data, script = read_script(file)
    return frozenset(checksum.checksum_variants(data)) if script.statements else frozenset()


def _script_problems(found: Plan, inspected: Plan | None) -> Iterator[Problem]:
    """Yield the problems of the steps' texts; what was said of one that was seen stays said."""
    seen = {step.migration for step in inspected.steps} if inspected else set()
    again = {step.migration.version for step in found.steps if step.migration in seen}
    for problem in inspected.problems if inspected else ():
        if problem.code in WARNINGS and again.issuperset(problem.versions):
            yield problem
    yield from check_scripts(s.migration for s in found.steps if s.migration not in seen)


def _adoption(
    session: Session, migrations: MigrationSet, state: LedgerState, request: PlanRequest
) -> tuple[Adoption | None, tuple[Problem, ...]]:
    """Return what another tool's tracker gives.

    It is asked while our set is empty, but not where the journal says that pgbraid itself took
    out, by ``undo`` or ``adopt --not-applied``, what had been adopted: that is to run again.
    """
    if state.applied or not request.adopt:
        return None, ()
    found = find_tracker(session)
    if found is None:
        return None, tuple(_not_understood(session))
    taken = read_adoption(session)
    if taken is not None and taken.undone_since:
        return None, ()
    table, family = found
    answer = family.adopt(table, migrations, request.not_applied)
    return (answer, ()) if isinstance(answer, Adoption) else (None, answer)


def _not_understood(session: Session) -> Iterator[Problem]:
    """Refuse to begin beside a table that is called as another tool's is, and is none we know."""
    names = {name for ledger in tools.TOOLS for name in ledger.tables}
    for table in foreign_tables.read_tracker_tables(session, sorted(names)):
        if has_foreign_rows(session, table):
            columns = ", ".join(name for name, _ in table.columns)
            yield Problem(
                "tracker_unknown",
                f"{table.schema}.{table.table} may be another tool's record of these migrations",
                detail=f"It has the columns {columns}, which pgbraid does not know how to read.",
                hint="If migrations are applied, record them with `pgbraid baseline VERSION`; "
                "where the table has nothing to do with them, run it with `adopt = false`.",
            )


def _late_not_applied(state: LedgerState, request: PlanRequest) -> Iterator[Problem]:
    """Say that a version was adopted before somebody said that it never ran."""
    for row in state.applied:
        if row.version in request.not_applied and row.checksum is None:
            yield Problem(
                "adopted_before",
                f"`not_applied` {row.version} comes too late: the set has it, adopted unrun",
                hint=f"Take it out of the set with `pgbraid adopt --not-applied {row.version}`, "
                "and `pgbraid up` runs it.",
                severity=Severity.WARNING,
                versions=(row.version,),
            )


def find_tracker(session: Session) -> tuple[TrackerTable, Tool] | None:
    """Return another tool's tracker with its rows, and whose it is, or None."""
    names = {name for ledger in tools.TOOLS for name in ledger.tables}
    for table in foreign_tables.read_tracker_tables(session, sorted(names)):
        if family := tools.find_tool(table):
            return foreign_tables.read_tracker_rows(session, table, family.reads), family
    return None


def _drifts(
    session: Session, migrations: MigrationSet, state: LedgerState
) -> Iterator[ModifiedFile]:
    files = {m.version: m for m in migrations.migrations}
    changed = [
        (files[row.version], row.checksum)
        for row in state.applied
        if row.checksum
        and is_digest(row.checksum)
        and row.version in files
        and files[row.version].checksum != row.checksum
    ]
    suspects = [(m, recorded) for m, recorded in changed if not _same_lines(m, recorded)]
    found = journal.read_texts(session, (m.version for m, _ in suspects)) if suspects else {}
    for migration, recorded in suspects:
        known = found.get(migration.version)
        if known is not None and known.checksum != recorded:
            known = None
        if is_large(migration):
            if known is None or known.digest_lf != LargeFileReader(migration).read_digest_lf():
                yield ModifiedFile(migration, recorded, ModificationKind.UNKNOWN)
            continue
        now = decode(read_script(migration)[0])
        if known is not None and known.digest_lf == checksum.digest_lf(now):
            continue
        text = known.text if known else None
        kind = modified_files.classify_modification(text, now)
        if kind is not None:
            diff = None if text is None else modified_files.unified_diff(text, now, migration.file)
            yield ModifiedFile(migration, recorded, kind, diff)


def _same_lines(file: Migration, recorded: str) -> bool:
    """Whether a text is the recorded one but for its line ends, as far as the checksums say."""
    if is_large(file):
        return LargeFileReader(file).read_digest_lf() == recorded
    return checksum.same_but_line_ends(recorded, read_script(file)[0])
