"""``up --dry-run``: run everything pending in one transaction and roll it back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import perf_counter
from typing import TYPE_CHECKING

from pgbraid.apply import Run, run_guarded
from pgbraid.core.events import Finished, Planned, Started
from pgbraid.core.model import Diagnostic, Location, Outcome, Report
from pgbraid.db import ledger as db
from pgbraid.db.session import claim, clean, connect, savepoint, take_lock, transaction
from pgbraid.errors import MigrationFailed, ServerError
from pgbraid.source import read_script
from pgbraid.survey import look

if TYPE_CHECKING:
    from pgbraid.core.model import Migration, MigrationSet, Plan, Step, Tracker
    from pgbraid.core.script import Script
    from pgbraid.db.conninfo import Target
    from pgbraid.survey import RunOptions, Wish

__all__ = ["rehearse_pending"]

_NEW_ENUM_VALUE = "55P04"


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
    ``apply_pending`` raises, but for MigrationFailed.
    """
    with connect(target, tracker, options.stop) as session:
        found = look(session, migrations, wish)
        found.raise_for_problems()
        notes = _Notes()
        if found.has_work:
            claim(session)
            take_lock(session, wait=options.lock_wait)
            run = Run(session, options=options)
            run.options.listen(Planned(found))
            with transaction(session, keep=False) as transaction_id:
                db.ensure_schema(session)
                db.ensure_tables(session)
                _rehearse_all(run, found.steps, transaction_id, notes)
        return _report(found, notes)


def _report(found: Plan, notes: _Notes) -> Report:
    return Report(
        applied=tuple(notes.outcomes),
        adoption=found.adoption,
        already=len(found.applied),
        later=found.later,
        warnings=found.warnings,
        dry_run=True,
        failures=tuple(notes.failures),
        inconclusive=tuple(notes.inconclusive),
    )


def _rehearse_all(run: Run, steps: tuple[Step, ...], transaction_id: str, notes: _Notes) -> None:
    for index, step in enumerate(steps, 1):
        run.options.listen(Started(step, index, len(steps)))
        _, script = read_script(step.migration)
        begun = perf_counter()
        failure = _rehearse(run, step.migration, script, transaction_id)
        if failure is None:
            taken = timedelta(seconds=perf_counter() - begun)
            notes.outcomes.append(Outcome(step.migration, step.gap, taken))
            run.options.listen(Finished(notes.outcomes[-1], index, len(steps)))
        else:
            conclusive = failure.sqlstate != _NEW_ENUM_VALUE or _adds_enum_value(script)
            kind = notes.failures if conclusive else notes.inconclusive
            kind.append((step.migration, failure))


def _rehearse(
    run: Run, migration: Migration, script: Script, transaction_id: str
) -> Diagnostic | None:
    try:
        with savepoint(run.session):
            run_guarded(run, migration, script, transaction_id)
    except MigrationFailed as error:
        return error.diagnostic
    except ServerError as error:
        said = error.diagnostic or Diagnostic("ERROR", error.message)
        return replace(said, location=Location(migration.path))
    finally:
        clean(run.session)
    return None


def _adds_enum_value(script: Script) -> bool:
    """Whether the script itself adds an enum value, so that it could not be committed either."""
    return any(
        s.words[:2] == ("ALTER", "TYPE") and {"ADD", "VALUE"} <= set(s.words)
        for s in script.statements
    )
