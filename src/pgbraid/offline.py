"""``check --offline``: whether the files alone could be run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.core.answers import Check
from pgbraid.core.plan import stricter
from pgbraid.texts import inspect_files

if TYPE_CHECKING:
    from pgbraid.core.model import MigrationSet

__all__ = ["check_files"]


def check_files(migrations: MigrationSet) -> Check:
    """Return whether the files could be run, without a database; every text is looked at."""
    problems = (*migrations.problems, *inspect_files(migrations.migrations, downs=True))
    return Check(0, tuple(map(stricter, problems)), offline=True, compared=False)
