"""Looks at what a first look found new: texts that are to run or have changed, other trackers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid import trackers
from pgbraid.core import checksum, drift
from pgbraid.core.answers import Adoption, Drift, DriftKind
from pgbraid.core.consistency import half_done_lost, journal_missing, mismatch_problems
from pgbraid.core.filenames import names_agree
from pgbraid.core.halves import half_above, half_changed, half_without_file, is_above, with_halves
from pgbraid.core.model import Location, Problem, Severity
from pgbraid.core.pieces import pieces_of
from pgbraid.core.plan import make_plan, renumbered
from pgbraid.core.refusals import WARNINGS
from pgbraid.db import foreign
from pgbraid.db import ledger as db
from pgbraid.db.consistency import read_unfinished
from pgbraid.db.first_run import has_foreign_rows
from pgbraid.db.halves import read_halves
from pgbraid.first_run import first_run_problems
from pgbraid.texts import Reading, decode, inspect_files, is_large, read_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pgbraid.core.answers import Foreign, Half
    from pgbraid.core.model import Ledger, Migration, MigrationSet, Plan
    from pgbraid.db.session import Session
    from pgbraid.survey import Wish
    from pgbraid.trackers import ForeignTracker

__all__ = ["find_foreign", "look_closely"]


def look_closely(
    session: Session,
    migrations: MigrationSet,
    ledger: Ledger,
    wish: Wish,
    *,
    inspected: Plan | None,
) -> Plan:
    """Return the plan, with every problem; what ``look`` promises."""
    halves = ledger.halves
    adoption, problems = _adoption(session, migrations, ledger, wish) if not halves else (None, ())
    drifts = tuple(_drifts(session, migrations, ledger))
    found = make_plan(
        migrations, ledger, adoption=adoption, drifts=drifts, verify=wish.verify, to=wish.to
    )
    found = with_halves(found, halves, only=wish.only)
    late = _too_late(ledger, wish)
    scripts = _said_of_texts(found, inspected)
    above = tuple(half_above(half) for half in halves if is_above(half, wish.to))
    wrong = (*_wrong_halves(migrations, halves, waits=found.has_work), *above)
    refused = _refused_gaps(found) if wish.refuse_gaps else ()
    ledger_problems = _ledger_problems(session, migrations, ledger, wish, found)
    problems = (*problems, *ledger_problems, *late, *_moved(found), *scripts, *wrong, *refused)
    return replace(found, problems=(*found.problems, *problems))


def _ledger_problems(
    session: Session, migrations: MigrationSet, ledger: Ledger, wish: Wish, found: Plan
) -> Iterator[Problem]:
    """Find where the set is not all that is known of what was applied."""
    tracker = session.tracker
    adopted = {m.version for m in found.adoption.migrations} if found.adoption else set()
    again = [m for m in ledger.mismatches if m.said == "adopted" and m.version in adopted]
    if len(again) < len(ledger.mismatches):
        yield from mismatch_problems([m for m in ledger.mismatches if m not in again], tracker)
        return
    if ledger.applied and not ledger.journal and found.has_work:
        yield journal_missing(tracker)
    if not (ledger.applied or ledger.halves or found.adoption):
        yield from first_run_problems(session, migrations, ledger, wish)
    alone = [s.migration for s in found.steps if s.migration.directives.no_transaction]
    known = {half.version for half in ledger.halves}
    lost = _lost(session, [file for file in alone if file.version not in known])
    yield from (half_done_lost(file, tracker) for file in lost)


def _lost(session: Session, files: Sequence[Migration]) -> Sequence[Migration]:
    """Return those that are marked as begun, and have no line in the journal.

    Another run may have begun one, or finished it, since the journal was read. So where there is a
    mark, the journal is read again, and then the mark: they are written in one transaction.
    """
    marked = read_unfinished(session) if files else frozenset()
    files = [file for file in files if file.version in marked]
    if not files:
        return ()
    begun = {half.version for half in read_halves(session)}
    marked = read_unfinished(session)
    return [f for f in files if f.version in marked and f.version not in begun]


def _refused_gaps(found: Plan) -> Iterator[Problem]:
    """Refuse late migrations where the settings say so; what is half done is not late."""
    highest = max((row.version for row in found.applied), default=0)
    for step in found.gaps:
        migration = step.migration
        if not step.half_done:
            yield Problem(
                "gap_refused",
                f"{migration.label} is late: {highest} is applied, and gaps are refused",
                hint=f"See what it would come to with `pgbraid prove`; then apply it with "
                f"`pgbraid up --gaps apply`, or give it a version above {highest}.",
                location=Location(migration.path),
                versions=(migration.version,),
            )


def _wrong_halves(
    migrations: MigrationSet, halves: tuple[Half, ...], *, waits: bool
) -> Iterator[Problem]:
    """Find half done migrations whose file is gone, or says other than what was done of it.

    That one is gone is an error where something ``waits`` for it. Where nothing does, an older
    release is started, maybe.
    """
    present = {v for problem in migrations.problems for v in problem.versions}
    for half in halves:
        file = migrations.get(half.version)
        if file is None:
            if half.version not in present:
                severity = Severity.ERROR if waits else Severity.WARNING
                yield replace(half_without_file(half), severity=severity)
            continue
        if is_large(file):
            continue  # refused as such
        _, script = read_script(file)
        if not file.directives.no_transaction:
            yield half_changed(half, file, None)
            continue
        digests = {piece.number: piece for piece in pieces_of(script)}
        for through in half.done:
            piece = digests.get(through.number)
            if piece is None or piece.digest != through.digest:
                yield half_changed(half, file, through.number)
                break


def _moved(found: Plan) -> Iterator[Problem]:
    """Find texts that were applied under another version, whose file is gone.

    One without a statement is passed over: nothing happens where it runs again.
    """
    gone = [row for row in found.missing if row.checksum]
    for step in found.steps if gone else ():
        file = step.migration
        own = _spellings(file)
        same = [row for row in gone if row.checksum in own]
        same.sort(key=lambda row: not names_agree(row.name or "", row.version, file.name))
        if same:
            gone.remove(same[0])
            yield renumbered(file, same[0])


def _spellings(file: Migration) -> frozenset[str]:
    """Return the checksums that a text can have by its line ends; a large one is not re-read."""
    if is_large(file):
        return frozenset({file.checksum})
    data, script = read_script(file)
    return frozenset(checksum.spellings(data)) if script.statements else frozenset()


def _said_of_texts(found: Plan, inspected: Plan | None) -> Iterator[Problem]:
    """Yield the problems of the steps' texts; what was said of one that was seen stays said."""
    seen = {step.migration for step in inspected.steps} if inspected else set()
    again = {step.migration.version for step in found.steps if step.migration in seen}
    for problem in inspected.problems if inspected else ():
        if problem.code in WARNINGS and again.issuperset(problem.versions):
            yield problem
    yield from inspect_files(s.migration for s in found.steps if s.migration not in seen)


def _adoption(
    session: Session, migrations: MigrationSet, ledger: Ledger, wish: Wish
) -> tuple[Adoption | None, tuple[Problem, ...]]:
    """Return what another tool's tracker gives.

    It is asked while our set is empty, but not where the journal says that pgbraid itself took
    out, by ``undo`` or ``adopt --not-applied``, what had been adopted: that is to run again.
    """
    if ledger.applied or not wish.adopt:
        return None, ()
    found = find_foreign(session)
    if found is None:
        return None, tuple(_not_understood(session))
    taken = db.read_adoption(session)
    if taken is not None and taken.emptied:
        return None, ()
    table, family = found
    answer = family.adopt(table, migrations, wish.not_applied)
    return (answer, ()) if isinstance(answer, Adoption) else (None, answer)


def _not_understood(session: Session) -> Iterator[Problem]:
    """Refuse to begin beside a table that is called as another tool's is, and is none we know."""
    names = {name for tracker in trackers.TRACKERS for name in tracker.tables}
    for table in foreign.read_foreign(session, sorted(names)):
        if has_foreign_rows(session, table):
            columns = ", ".join(name for name, _ in table.columns)
            yield Problem(
                "legacy_unknown",
                f"{table.schema}.{table.table} may be another tool's record of these migrations",
                detail=f"It has the columns {columns}, which pgbraid does not know how to read.",
                hint="If migrations are applied, record them with `pgbraid baseline VERSION`; "
                "where the table has nothing to do with them, run it with `adopt = false`.",
            )


def _too_late(ledger: Ledger, wish: Wish) -> Iterator[Problem]:
    """Say that a version was adopted before somebody said that it never ran."""
    for row in ledger.applied:
        if row.version in wish.not_applied and row.checksum is None:
            yield Problem(
                "adopted_before",
                f"`not_applied` {row.version} comes too late: the set has it, adopted unrun",
                hint=f"Take it out of the set with `pgbraid adopt --not-applied {row.version}`, "
                "and `pgbraid up` runs it.",
                severity=Severity.WARNING,
                versions=(row.version,),
            )


def find_foreign(session: Session) -> tuple[Foreign, ForeignTracker] | None:
    """Return another tool's tracker with its rows, and whose it is, or None."""
    names = {name for tracker in trackers.TRACKERS for name in tracker.tables}
    for table in foreign.read_foreign(session, sorted(names)):
        if family := trackers.recognise(table):
            return foreign.read_foreign_rows(session, table, family.reads), family
    return None


def _drifts(session: Session, migrations: MigrationSet, ledger: Ledger) -> Iterator[Drift]:
    files = {m.version: m for m in migrations.migrations}
    changed = [
        (files[row.version], row.checksum)
        for row in ledger.applied
        if row.checksum
        and checksum.is_digest(row.checksum)
        and row.version in files
        and files[row.version].checksum != row.checksum
    ]
    suspects = [(m, recorded) for m, recorded in changed if not _same_lines(m, recorded)]
    found = db.read_texts(session, (m.version for m, _ in suspects)) if suspects else {}
    for migration, recorded in suspects:
        known = found.get(migration.version)
        if known is not None and known.checksum != recorded:
            known = None
        if is_large(migration):
            if known is None or known.digest_lf != Reading(migration).read_digest_lf():
                yield Drift(migration, recorded, DriftKind.UNKNOWN)
            continue
        now = decode(read_script(migration)[0])
        if known is not None and known.digest_lf == checksum.digest_lf(now):
            continue
        text = known.text if known else None
        kind = drift.classify(text, now)
        if kind is not None:
            diff = None if text is None else drift.unified_diff(text, now, migration.file)
            yield Drift(migration, recorded, kind, diff)


def _same_lines(file: Migration, recorded: str) -> bool:
    """Whether a text is the recorded one but for its line ends, as far as the checksums say."""
    if is_large(file):
        return Reading(file).read_digest_lf() == recorded
    return checksum.same_but_line_ends(recorded, read_script(file)[0])
