"""``prove``: whether an out-of-order history and a fresh database end with the same schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.db.order import read_order
from pgbraid.db.session import connect
from pgbraid.gitref import files_at, merge_base
from pgbraid.histories import (
    branch_question,
    listed_question,
    recorded_question,
    refuse_contradictions,
)
from pgbraid.proving import prove_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.core.model import MigrationSet, Tracker
    from pgbraid.core.proof import Proof
    from pgbraid.db.conninfo import Target
    from pgbraid.survey import RunOptions

__all__ = ["prove_branch", "prove_database", "prove_listed"]


def prove_database(
    migrations: MigrationSet, target: Target, tracker: Tracker, options: RunOptions
) -> Proof:
    """Prove the order really recorded in a database, what is pending behind it.

    The database is only read, and let go before anything is replayed. Raises ProblemsFound,
    ServerError, ConnectionFailed and what the scratch server raises.
    """
    with connect(target, tracker, options.stop) as session:
        order = read_order(session)
    refuse_contradictions(order, tracker)
    told = recorded_question(migrations, order)
    return prove_question(told, tracker, options, like=order)


def prove_branch(
    migrations: MigrationSet, folder: str, ref: str, tracker: Tracker, options: RunOptions
) -> Proof:
    """Prove what ``ref`` of git has, what this branch adds behind it. No database is asked.

    Raises ConfigError, ProblemsFound and what the scratch server raises.
    """
    fork = files_at(folder, merge_base(folder, ref))
    told = branch_question(migrations, files_at(folder, ref), fork, ref)
    return prove_question(told, tracker, options)


def prove_listed(
    migrations: MigrationSet,
    versions: Sequence[int],
    label: str,
    tracker: Tracker,
    options: RunOptions,
) -> Proof:
    """Prove the order of a list of versions, what it does not have behind it.

    Raises ConfigError, ProblemsFound and what the scratch server raises.
    """
    told = listed_question(migrations, versions, label)
    return prove_question(told, tracker, options)
