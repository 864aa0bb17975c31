"""``resume``: go on with one migration outside a transaction that was begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pgbraid.core.halves import half_without_file
from pgbraid.core.model import Report
from pgbraid.core.pieces import Kind, pieces_of
from pgbraid.db import ledger as db
from pgbraid.db.halves import read_halves
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.deploy import apply_plan
from pgbraid.errors import ConfigError, ProblemsFound
from pgbraid.survey import Decision, look
from pgbraid.texts import read_script

if TYPE_CHECKING:
    from pgbraid.core.answers import Half
    from pgbraid.core.model import MigrationSet, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions, Wish

    How = Literal["retry", "skip", "forget"]

__all__ = ["resume_version"]


def resume_version(  # noqa: PLR0913, PLR0917 - what every verb takes, and what was decided
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    version: int,
    how: How | None,
    options: RunOptions,
) -> Report:
    """Go on with the version where it was cut, and with no other.

    ``how`` is for a statement whose end nobody saw: ``retry`` runs it again, ``skip`` takes it
    for done. ``forget`` runs nothing: it lets go of what was begun, so that the next run begins
    the file anew. Raises ConfigError where the version is not half done, and what
    ``apply_pending`` raises.
    """
    with connect(target, tracker, options.stop) as opened:
        half = _half(opened, version)
        if how == "forget":
            return _forget(opened, options, half)
        if migrations.get(version) is None:
            raise ProblemsFound((half_without_file(half),))
        number = _next(migrations, half)
        decision = Decision(how, number) if how and number else None
        wish = replace(wish, only=version)
        first = look(opened, migrations, wish)
        first.raise_for_problems()
        return apply_plan(opened, migrations, wish, replace(options, decision=decision), first)


def _half(session: Session, version: int) -> Half:
    for half in read_halves(session):
        if half.version == version:
            return half
    raise ConfigError(
        f"{version} is not half done, so there is nothing to resume",
        hint="Run `pgbraid status` to see the versions; `pgbraid up` applies what is pending.",
    )


def _next(migrations: MigrationSet, half: Half) -> int | None:
    """Return the number of the statement at which a file stands."""
    migration = migrations.get(half.version)
    if migration is None:
        return None
    _, script = read_script(migration)
    done = dict(half.done)
    pieces = (p for p in pieces_of(script) if p.kind is not Kind.SETTING)
    return next((p.number for p in pieces if p.number not in done), None)


def _forget(opened: Session, options: RunOptions, half: Half) -> Report:
    with claimed(opened, options.limits, options.listen) as session:
        take_lock(session, wait=options.lock_wait)
        db.ensure_tables(session)
        half = _half(session, half.version)
        entry = db.Entry(db.new_run_id(), "forgotten", half.version, half.name)
        with transaction(session):
            db.record_entry(session, entry)
        return Report(forgotten=half, run_id=entry.run_id)
