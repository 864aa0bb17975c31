"""Shows the state of each version that has a file or a row in the applied set.

States: applied; pending; gap (pending below an applied version); incomplete (a non-transactional
migration that did not finish); modified (the file changed after it was applied); renamed; missing
file (applied, but no file here); adoptable (applied by another tool, not adopted yet). status
writes nothing and takes no lock.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options: none."""


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    with context.project_and_database() as (migrator, target):
        status = migrator.status(target)
    return context.output.result(status, 0)
