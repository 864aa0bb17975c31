"""``adopt``: enter another tool's history in the set, or drop its table after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid import trackers
from pgbraid.apply import Run, record_adoption
from pgbraid.core.answers import Adoption
from pgbraid.db import foreign
from pgbraid.db import ledger as db
from pgbraid.db.applied import read_ledger
from pgbraid.db.ensure import ensure_schema, ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.errors import ConfigError, ProblemsFound
from pgbraid.inspection import find_foreign
from pgbraid.survey import look

if TYPE_CHECKING:
    from pgbraid.core.answers import Foreign
    from pgbraid.core.model import Applied, MigrationSet, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.db.session import Session
    from pgbraid.survey import RunOptions, Wish
    from pgbraid.trackers import ForeignTracker

__all__ = ["adopt_history", "drop_legacy", "withdraw_adopted"]


def adopt_history(
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    options: RunOptions,
) -> Adoption | None:
    """Enter what another tool has applied, running nothing.

    None where our set has rows, or had rows of that history and gave them back.

    Raises ProblemsFound where the other tool's table does not say clearly what is applied,
    and ConfigError where there is no such table.
    """
    _check_wanted(wish)
    with connect(target, tracker, options.stop) as opened:
        found = look(opened, migrations, wish, options=options)
        if found.applied:
            return None
        found.raise_for_problems()
        if found.adoption is None:
            if db.read_adoption(opened):
                return None
            raise _no_legacy(tracker)
        if not found.has_work:
            return found.adoption
        with claimed(opened, options.limits, options.listen) as session:
            ensure_schema(session)
            take_lock(session, wait=options.lock_wait)
            ensure_tables(session)
            now = look(session, migrations, wish, options=options, inspected=found)
            now.raise_for_problems()
            if now.adoption:
                record_adoption(Run(session, options=options), now.adoption)
            return now.adoption


def _check_wanted(wish: Wish) -> None:
    if not wish.adopt:
        raise ConfigError(
            "other tools' tables are left alone here",
            hint="Take `adopt = false` away, if this table is ours.",
        )


def _no_legacy(tracker: Tracker) -> ConfigError:
    names = sorted({name for family in trackers.TRACKERS for name in family.tables})
    schemas = dict.fromkeys((tracker.schema, "public"))
    return ConfigError(
        "no other tool's tracker was found",
        detail=f"Looked for {', '.join(names)} in the schema {' and '.join(schemas)}.",
        hint="Name its schema with `schema`, or begin with `pgbraid up`.",
    )


def withdraw_adopted(
    target: Target, tracker: Tracker, versions: tuple[int, ...], options: RunOptions
) -> tuple[Applied, ...]:
    """Take versions out of the set that were adopted and never ran, and return their rows.

    A version that the set has not is passed over. Raises ConfigError for one that the journal
    does not say was adopted, or that ran since.
    """
    with connect(target, tracker, options.stop) as opened:
        if not _withdrawable(opened, versions):
            return ()
        with claimed(opened, options.limits, options.listen) as session:
            take_lock(session, wait=options.lock_wait)
            ensure_tables(session)
            rows = _withdrawable(session, versions)
            run_id = db.new_run_id()
            with transaction(session):
                for row in rows:
                    entry = db.Entry(run_id, "withdrawn", row.version, row.name)
                    db.record_removed(session, row.version, entry)
            return rows


def _withdrawable(session: Session, versions: tuple[int, ...]) -> tuple[Applied, ...]:
    rows = tuple(row for row in read_ledger(session).applied if row.version in versions)
    adopted = db.read_adopted(session, versions) if rows else frozenset()
    for row in rows:
        if row.version not in adopted:
            raise ConfigError(
                f"{row.version} was applied, not adopted, so it is not taken out of the set",
                hint=f"Run its down file with `pgbraid undo {row.version}`.",
            )
    return rows


def drop_legacy(
    migrations: MigrationSet, target: Target, tracker: Tracker, wish: Wish, options: RunOptions
) -> str:
    """Drop the other tool's table and return its name, once all it says is in our set.

    Raises ConfigError where there is none, where it was not adopted, or where that tool has
    applied something since; ProblemsFound where it does not say clearly what is applied.
    """
    _check_wanted(wish)
    with (
        connect(target, tracker, options.stop) as opened,
        claimed(opened, options.limits, options.listen) as session,
    ):
        take_lock(session, wait=options.lock_wait)
        found = find_foreign(session)
        if found is None:
            raise _no_legacy(tracker)
        table, family = found
        _check_covered(session, migrations, table, family)
        name = f"{table.schema}.{table.table}"
        with transaction(session):
            foreign.drop_table(session, table.schema, table.table)
            entry = db.Entry(db.new_run_id(), "legacy_dropped", detail={"table": name})
            db.record_entry(session, entry)
        return name


def _check_covered(
    session: Session, migrations: MigrationSet, table: Foreign, family: ForeignTracker
) -> None:
    """Refuse to drop a table that was not adopted here, or that says more than our set does."""
    name = f"{table.schema}.{table.table}"
    taken = db.read_adoption(session)
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
