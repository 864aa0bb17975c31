"""``baseline``: record migrations as applied that this database has by other means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgbraid.core.answers import Baselined
from pgbraid.core.consistency import MISMATCHES
from pgbraid.core.filenames import name_style, recorded_name
from pgbraid.db import ledger as db
from pgbraid.db.consistency import mark_unfinished
from pgbraid.db.ensure import ensure_schema, ensure_tables
from pgbraid.db.lock import take_lock
from pgbraid.db.session import connect
from pgbraid.db.transactions import transaction
from pgbraid.db.watch import claimed
from pgbraid.errors import ConfigError, ProblemsFound
from pgbraid.survey import look

if TYPE_CHECKING:
    from pgbraid.core.model import Migration, MigrationSet, Plan, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.survey import RunOptions, Wish

__all__ = ["Choice", "record_baseline"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which migrations to record: every one up to ``through``, and those of ``versions``."""

    through: int | None = None
    versions: tuple[int, ...] = ()


def record_baseline(  # noqa: PLR0913, PLR0917 - what every verb takes, and what was chosen
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    choice: Choice,
    options: RunOptions,
) -> Baselined:
    """Enter migrations in the set without running them, in one transaction under the lock.

    Their rows have no checksum, as nobody saw what ran. Nothing is asked of their texts.

    Raises ConfigError for a version that has no file, and where another tool's table can be
    adopted instead; ProblemsFound where files have one version, or set and journal do not agree.
    """
    with connect(target, tracker, options.stop) as opened:
        plan = look(opened, migrations, wish, options=options)
        chosen, already = _chosen(migrations, plan, choice)
        if not chosen:
            return Baselined((), already)
        with claimed(opened, options.limits, options.listen) as session:
            ensure_schema(session)
            take_lock(session, wait=options.lock_wait, tell=options.tell_waiting)
            ensure_tables(session)
            plan = look(session, migrations, wish, options=options)
            chosen, already = _chosen(migrations, plan, choice)
            style = name_style(plan.applied, migrations.migrations)
            run_id = db.new_run_id()
            with transaction(session):
                for migration in chosen:
                    name = recorded_name(migration, style)
                    db.record_baseline(session, migration, name, run_id)
                    mark_unfinished(session, migration.version, unfinished=False)
            return Baselined(chosen, already)


def _chosen(
    migrations: MigrationSet, plan: Plan, choice: Choice
) -> tuple[tuple[Migration, ...], int]:
    """Return the migrations to record, and how many of those chosen are applied."""
    wrong = {problem.code for problem in migrations.problems} | MISMATCHES | {"legacy_dirty"}
    problems = tuple(p for p in plan.errors if p.code in wrong)
    if problems:
        raise ProblemsFound(problems)
    if plan.adoption and plan.adoption.migrations:
        raise ConfigError(
            f"{plan.adoption.source} says what {plan.adoption.tool} has applied",
            hint="Take that over with `pgbraid adopt`; where the table has nothing to do with "
            "these migrations, run it with `adopt = false`.",
        )
    for version in (*choice.versions, *([] if choice.through is None else [choice.through])):
        if migrations.get(version) is None:
            raise ConfigError(
                f"no migration has version {version}",
                hint="Run `pgbraid status` to see the versions.",
            )
    through = -1 if choice.through is None else choice.through
    named = [
        m for m in migrations.migrations if m.version <= through or m.version in choice.versions
    ]
    have = {row.version for row in plan.applied}
    return tuple(m for m in named if m.version not in have), sum(m.version in have for m in named)
