"""Shows what up would do: the migrations it would run, the gaps, and the problems.

plan writes nothing and takes no lock. Exit code 1 means that up would refuse to run
because of the files or the ledger. Only up itself checks for standbys, poolers and privileges.
"""

from __future__ import annotations

from pgbraid.cli.parser import version_number

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--to",
        metavar="VERSION",
        type=version_number,
        help="as for up: the highest version to apply",
    )
    parser.add_argument(
        "--not-applied",
        metavar="VERSION",
        type=version_number,
        action="append",
        default=[],
        help="a version that the adopted tool did not apply (may be repeated)",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    with context.project_and_database() as (migrator, target):
        plan = migrator.plan(target, to=arguments.to, not_applied=arguments.not_applied)
    return context.output.result(plan, 1 if plan.errors else 0)
