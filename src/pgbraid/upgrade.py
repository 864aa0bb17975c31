"""``up``: apply what the set lacks, each migration in a transaction of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.core.model import Report
from pgbraid.db.session import connect
from pgbraid.survey import look

if TYPE_CHECKING:
    from pgbraid.core.model import MigrationSet, Tracker
    from pgbraid.db.conninfo import Target
    from pgbraid.survey import RunOptions, Wish

__all__ = ["apply_pending"]


def apply_pending(
    migrations: MigrationSet,
    target: Target,
    tracker: Tracker,
    wish: Wish,
    options: RunOptions,
) -> Report:
    """Apply every migration that the set lacks, in version order.

    Where nothing is to do it costs one connection and one query, and writes nothing. Raises
    ProblemsFound before anything runs, MigrationFailed after rolling one migration back,
    LockTimeout, ConnectionFailed and ServerError; each carries in ``applied`` what was
    committed before.
    """
    with connect(target, tracker, options.stop) as opened:
        first = look(opened, migrations, wish, options=options)
        first.raise_for_problems()
        if not first.has_work:
            return Report(already=len(first.applied), later=first.later, warnings=first.warnings)
        from pgbraid.deploy import apply_plan  # noqa: PLC0415 - most boots have nothing to apply

        return apply_plan(opened, migrations, wish, options, first)
