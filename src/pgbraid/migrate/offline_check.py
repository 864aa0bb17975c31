"""``check --offline``: check the files without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.migrate.planning.empty_files import refuse_new_empty_files
from pgbraid.migrate.planning.planner import as_check_problem
from pgbraid.model.results import Check
from pgbraid.source.content import check_scripts

if TYPE_CHECKING:
    from pgbraid.model.migration import MigrationSet

__all__ = ["check_files"]


def check_files(migrations: MigrationSet) -> Check:
    """Check the up and down files for problems that can be found without a database."""
    scripts = tuple(check_scripts(migrations.migrations, downs=True))
    problems = (*migrations.problems, *refuse_new_empty_files(scripts, migrations))
    return Check(0, tuple(map(as_check_problem, problems)), offline=True, compared=False)
