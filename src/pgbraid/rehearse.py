"""``up --dry-run``: run everything pending in one transaction and roll it back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.apply import Run, hearer, run_guarded
from pgbraid.core.answers import Diagnostic, Outcome
from pgbraid.core.events import Planned, Rehearsed, Started
from pgbraid.core.model import Location, Report
from pgbraid.core.script import Script
from pgbraid.core.slots import concerns_slots
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.db.ensure import ensure_schema, ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import clean, connect, notices
from pgbraid.db.transactions import defer_again, savepoint, touched_again, transaction
from pgbraid.db.watch import claimed
from pgbraid.errors import MigrationFailed, ServerError
from pgbraid.survey import look
from pgbraid.texts import Reading, is_large, read_script

if TYPE_CHECKING:
    from pgbraid.core.model import Migration, MigrationSet, Plan, Step, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.transactions import Opened
    from pgbraid.survey import RunOptions, Wish

__all__ = ["rehearse_pending"]

_NEW_ENUM_VALUE = "55P04"
_SYNTAX_ERROR = "42601"
_NO_LOCK = "55P03"
_NEW_VALUE = re.compile(r'new value "(?P<value>.*)" of enum type (?P<type>.*)')


@dataclass(frozen=True, slots=True)
class _Notes:
    """Filled while the rehearsal goes on."""

    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[tuple[Migration, Diagnostic]] = field(default_factory=list)
    inconclusive: list[tuple[Migration, Diagnostic]] = field(default_factory=list)


def rehearse_pending(
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    options: RunOptions,
) -> Report:
    """Run every pending migration and keep nothing of it, reporting every failure.

    All run in one transaction under the lock, each below its own savepoint, and the
    transaction is rolled back: only what no transaction can take back stays, such as a
    sequence's value. The locks of all of them are held together until the end. Raises what
    ``apply_pending`` raises, but MigrationFailed only for one that ends the transaction.
    """
    with connect(target, tracker, options.stop) as opened:
        found = look(opened, migrations, wish, options=options)
        found.raise_for_problems()
        notes = _Notes()
        if found.has_work:
            with claimed(opened, options.limits, options.listen) as session:
                take_lock(
                    session,
                    wait=options.lock_wait,
                    tell=options.tell_waiting,
                )
                found = look(session, migrations, wish, options=options, inspected=found)
                found.raise_for_problems()
                options.listen(Planned(found))
                if options.gaps == "prove" and found.gaps:
                    from pgbraid.late import prove_gaps  # noqa: PLC0415 - where asked for

                    prove_gaps(session, migrations, found, options)
                with transaction(session, keep=False) as whole:
                    ensure_schema(session)
                    run = Run(session, ensure_tables(session), options=options)
                    _rehearse_all(run, found.steps, whole, notes)
        return _report(found, notes)


def _report(found: Plan, notes: _Notes) -> Report:
    return Report(
        rehearsed=tuple(notes.outcomes),
        adoption=found.adoption,
        already=len(found.applied),
        later=found.later,
        warnings=found.warnings,
        dry_run=True,
        failures=tuple(notes.failures),
        inconclusive=tuple(notes.inconclusive),
    )


def _rehearse_all(run: Run, steps: tuple[Step, ...], opened: Opened, notes: _Notes) -> None:
    for index, step in enumerate(steps, 1):
        run.options.listen(Started(step, index, len(steps)))
        if step.migration.directives.no_transaction:
            said = "it runs outside a transaction, so nothing could take it back"
            notes.inconclusive.append((step.migration, _untried(step.migration, said)))
            continue
        large = is_large(step.migration)
        script = Script("") if large else read_script(step.migration)[1]
        if concerns_slots(script.text):
            said = "it may make or drop a replication slot, which no rollback takes back"
            notes.inconclusive.append((step.migration, _untried(step.migration, said)))
            continue
        begun = perf_counter()
        failure = _rehearse(run, step.migration, script, opened)
        if failure is None:
            taken = timedelta(seconds=perf_counter() - begun)
            notes.outcomes.append(Outcome(step.migration, step.gap, taken))
            run.options.listen(Rehearsed(notes.outcomes[-1], index, len(steps)))
        elif _follows(failure, notes) or _needs_a_commit(failure, script):
            notes.inconclusive.append((step.migration, failure))
        else:
            notes.failures.append((step.migration, failure))


def _untried(migration: Migration, why: str) -> Diagnostic:
    return Diagnostic("WARNING", why, location=Location(migration.path, 1, 1))


def _rehearse(run: Run, migration: Migration, script: Script, opened: Opened) -> Diagnostic | None:
    """Run and record a migration below a savepoint; return what speaks against it.

    Raises MigrationFailed where it ended the rehearsal's transaction, as then something may
    have been kept.
    """
    entry = db.Entry(run.run_id, "applied", migration.version, migration.name)
    failure: Diagnostic | None = None
    try:
        with notices(run.session, hearer(run, migration)), savepoint(run.session):
            parts = Reading(migration).body() if is_large(migration) else (Part(script),)
            run_guarded(run, migration, parts, touched_again(run.session, opened))
            db.record_applied(
                run.session, migration, shape=run.shape, name=migration.name, entry=entry
            )
            clean(run.session)
    except MigrationFailed as error:
        if error.half_done:
            raise
        failure = _with_holders(run, error.diagnostic)
    except ServerError as error:
        said = error.diagnostic or Diagnostic(
            "ERROR", error.message, detail=error.detail, hint=error.hint
        )
        failure = replace(said, location=Location(migration.path))
    defer_again(run.session)
    return failure


def _with_holders(run: Run, said: Diagnostic) -> Diagnostic:
    """Add who was in the way of a lock that was not to be had in time."""
    holders = run.session.watch.holders if run.session.watch else ()
    if said.sqlstate != _NO_LOCK or not holders:
        return said
    blocked = f"In its way: {'; '.join(holders)}."
    return replace(said, detail="\n".join(part for part in (said.detail, blocked) if part))


def _follows(failure: Diagnostic, notes: _Notes) -> bool:
    """Whether a failure may be for want of one before that could not be tried.

    A syntax error never is: the server finds it before it looks at anything that exists.
    """
    return bool(notes.inconclusive) and failure.sqlstate != _SYNTAX_ERROR


def _needs_a_commit(failure: Diagnostic, script: Script) -> bool:
    """Whether a failure is for want of a commit that an earlier migration would have made.

    A new enum value cannot be used before it is committed; where the script adds that value
    itself, it would fail for real too.
    """
    match = _NEW_VALUE.search(failure.message)
    if failure.sqlstate != _NEW_ENUM_VALUE or match is None:
        return False
    value, kind = match["value"], match["type"].rpartition(".")[2].strip('"')
    adds = (
        script.text[s.start : s.end]
        for s in script.statements
        if s.words[:2] == ("ALTER", "TYPE") and {"ADD", "VALUE"} <= set(s.words)
    )
    return not any(f"'{value}'" in text and kind.lower() in text.lower() for text in adds)
