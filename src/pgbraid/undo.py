"""``undo``: run one version's down file and take the version out of the set, together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pgbraid.apply import Run, run_atomically
from pgbraid.core.answers import Undone
from pgbraid.core.consistency import MISMATCHES
from pgbraid.core.halves import how_far
from pgbraid.core.model import Severity
from pgbraid.core.refusals import inspect_script
from pgbraid.core.slots import concerns_slots
from pgbraid.core.stream import Part
from pgbraid.db import ledger as db
from pgbraid.db.applied import read_ledger
from pgbraid.db.ensure import ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.watch import claimed
from pgbraid.errors import ConfigError, ProblemsFound
from pgbraid.patience import with_retries
from pgbraid.survey import look
from pgbraid.texts import as_down, read_down

if TYPE_CHECKING:
    from pgbraid.core.model import Migration, MigrationSet, Tracker
    from pgbraid.core.script import Script
    from pgbraid.db.conninfo import Target
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions, Wish

__all__ = ["find_undoable", "undo_version"]


def find_undoable(migrations: MigrationSet, version: int) -> tuple[Migration, Script]:
    """Return the migration as its down file, and that file's script.

    Raises ConfigError where the version has no file or no down file, and ProblemsFound where
    the down file holds what cannot run.
    """
    own = tuple(p for p in migrations.problems if version in p.versions)
    if own:
        raise ProblemsFound(own)
    migration = migrations.get(version)
    if migration is None:
        raise ConfigError(
            f"no migration has version {version}",
            hint="Run `pgbraid status` to see the versions.",
        )
    if migration.down is None:
        raise ConfigError(
            f"{migration.label} has no down file, so pgbraid cannot undo it",
            hint=f"Write {migration.digits}_{migration.name}.down.sql, or a new migration that "
            "takes the change back (`pgbraid new NAME`).",
        )
    _, script = read_down(migration)
    down = as_down(migration, script)
    if down.directives.no_transaction:
        raise ConfigError(
            f"{down.path} asks for no-transaction, and undo runs a down file in one",
            hint="Run its statements by hand, with psql; or write a new migration that takes the "
            "change back (`pgbraid new NAME`).",
        )
    found = inspect_script(down, script)
    problems = [p for p in found if p.severity is Severity.ERROR or p.code == "empty"]
    if problems:
        raise ProblemsFound(tuple(replace(p, severity=Severity.ERROR) for p in problems))
    return down, script


def undo_version(  # noqa: PLR0913, PLR0917 - what every verb takes, and the version
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    version: int,
    options: RunOptions,
) -> Undone:
    """Run the version's down file and delete its row, in one transaction under the lock.

    The version is pending again afterwards, so the next ``up`` applies it unless its file goes.
    Raises ConfigError where the version is not applied, ProblemsFound where its file is not
    the one that was applied, and what :func:`find_undoable` raises.
    """
    down, script = find_undoable(migrations, version)
    with connect(target, tracker, options.stop) as opened:
        _check_applied(opened, version)
        _check_same(opened, migrations, wish, version)
        with claimed(opened, options.limits, options.listen) as session:
            take_lock(session, wait=options.lock_wait)
            _check_same(session, migrations, wish, version)
            run = Run(session, ensure_tables(session), options=options)
            duration = with_retries(run, down, lambda: _undo(run, down, script))
            if duration is None:
                _check_applied(session, version)
        return Undone(down, duration or timedelta())


def _undo(run: Run, down: Migration, script: Script) -> timedelta | None:
    version = down.version
    entry = db.Entry(run.run_id, "undone", version, down.name, text=script.text)
    return run_atomically(
        run,
        down,
        (Part(script),),
        wanted=lambda: db.is_applied(run.session, version),
        record=lambda: db.record_removed(run.session, version, entry),
        without_id=concerns_slots(script.text),
    )


def _check_same(session: Session, migrations: MigrationSet, wish: Wish, version: int) -> None:
    """Refuse to undo with the down file of another migration than was applied.

    Refuse it, too, while a migration is half done, as that may stand on this one, and where set
    and journal do not agree.
    """
    plan = look(session, migrations, replace(wish, to=None, not_applied=()))
    own = tuple(p for p in plan.errors if version in p.versions or p.code in MISMATCHES)
    if own:
        raise ProblemsFound(own)
    if plan.halves:
        half = plan.halves[0]
        raise ConfigError(
            f"{half.version} ({half.name}) is half done, so nothing is undone",
            detail=f"{how_far(half)} It may need what {version} made.",
            hint=f"Go on with it first: `pgbraid resume {half.version}`; or put right what it did, "
            f"and let go of it with `pgbraid resume {half.version} --forget`.",
        )


def _check_applied(session: Session, version: int) -> None:
    if version not in {row.version for row in read_ledger(session).applied}:
        raise ConfigError(
            f"{version} is not applied, so there is nothing to undo",
            hint="Run `pgbraid status` to see the versions.",
        )
