"""``resume``: go on with one migration outside a transaction that was begun and not finished."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pgbraid.core.answers import Half
from pgbraid.core.halves import half_without_file
from pgbraid.core.model import Report
from pgbraid.core.pieces import Kind, pieces_of
from pgbraid.core.script import Script
from pgbraid.db import ledger as db
from pgbraid.db.applied import read_ledger
from pgbraid.db.consistency import mark_unfinished, read_unfinished
from pgbraid.db.ensure import ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.deploy import apply_plan
from pgbraid.errors import ConfigError, ProblemsFound
from pgbraid.survey import Decision, look
from pgbraid.texts import read_script

if TYPE_CHECKING:
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
    *,
    statement: int | None = None,
) -> Report:
    """Go on with the version where it was cut, and with no other.

    ``how`` is for a statement whose end nobody saw: ``retry`` runs it again, ``skip`` takes it
    for done; ``statement`` is the number at which it is expected to stand. ``forget`` runs
    nothing: it lets go of what was begun, so that the next run begins the file anew. Raises
    ConfigError where the version is not half done, or stands elsewhere, and what
    ``apply_pending`` raises.
    """
    with connect(target, tracker, options.stop) as opened:
        if how == "forget":
            return _forget(opened, options, version)
        half = _half(opened, version, options)
        if migrations.get(version) is None:
            raise ProblemsFound((half_without_file(half),))
        decision = _decision(migrations, half, how, statement) if how else None
        wish = replace(wish, only=version)
        first = look(opened, migrations, wish, options=options)
        first.raise_for_problems()
        return apply_plan(opened, migrations, wish, replace(options, decision=decision), first)


def _half(session: Session, version: int, options: RunOptions) -> Half:
    ledger = read_ledger(session, wait=options.lock_wait, tell=options.tell_waiting)
    for half in ledger.halves:
        if half.version == version:
            return half
    raise ConfigError(
        f"{version} is not half done, so there is nothing to resume",
        hint="Run `pgbraid status` to see the versions; `pgbraid up` applies what is pending.",
    )


def _decision(
    migrations: MigrationSet, half: Half, how: Literal["retry", "skip"], statement: int | None
) -> Decision | None:
    """Return a decision about the statement at which a file stands, and about no other.

    That is one that was begun and that the file has no longer, if there is one.
    """
    migration = migrations.get(half.version)
    _, script = read_script(migration) if migration else (b"", Script(""))
    pieces = pieces_of(script)
    own = {piece.digest for piece in pieces}
    gone = [(begun.number, begun.digest) for begun in half.begun if begun.digest not in own]
    left = [
        (piece.number, piece.digest)
        for piece in pieces
        if piece.kind is not Kind.SETTING and piece.number not in half.numbers
    ]
    number, digest = (*gone, *left, (0, ""))[0]
    if statement is not None and statement != number:
        stands = f"at statement {number}" if number else "behind its last statement"
        raise ConfigError(
            f"{half.version} does not stand at statement {statement}, but {stands}",
            hint=f"Run `pgbraid resume {half.version}` to see why it stands there.",
        )
    return Decision(how, digest, half.lines) if number else None


def _forget(opened: Session, options: RunOptions, version: int) -> Report:
    _forgettable(opened, version, options)
    with claimed(opened, options.limits, options.listen) as session:
        take_lock(session, wait=options.lock_wait)
        ensure_tables(session)
        half = _forgettable(session, version, options)
        entry = db.Entry(db.new_run_id(), "forgotten", half.version, half.name or None)
        with transaction(session):
            db.record_entry(session, entry)
            mark_unfinished(session, half.version, unfinished=False)
        return Report(forgotten=half, run_id=entry.run_id)


def _forgettable(session: Session, version: int, options: RunOptions) -> Half:
    """Return what is half done; also what only the tracker's comment still says of it."""
    if version in read_unfinished(session):
        ledger = read_ledger(session, wait=options.lock_wait, tell=options.tell_waiting)
        known = {half.version: half for half in ledger.halves}
        return known.get(version) or Half(version, "")
    return _half(session, version, options)
