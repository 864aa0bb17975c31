"""Accepts files that changed after they were applied: it records their new checksums.

Name the versions, or use --all for all modified files and all adopted ones. With --rename it also
accepts new names. The journal keeps the accepted texts. repair runs no migration.

If applied set and journal contradict each other, --trust journal changes the applied set to match
the journal. --trust applied-set adds lines to the journal to match the applied set, and the next up
runs the versions that the applied set lacks.
"""

from __future__ import annotations

from pgbraid.cli.parser import version_number
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "versions", metavar="VERSION", type=version_number, nargs="*", help="a version to accept"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="accept all modified files, and record the checksums that adopted versions lack",
    )
    parser.add_argument("--rename", action="store_true", help="also accept new names")
    parser.add_argument(
        "--trust",
        choices=("journal", "applied-set"),
        help="the table to believe if applied set and journal contradict each other",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    if arguments.trust:
        return _reconcile(context)
    if bool(arguments.versions) == arguments.all:
        raise ConfigError(
            "name the versions to repair or use --all, not both",
            hint="Run `pgbraid status` to see which files are modified.",
        )
    with context.project_and_database() as (migrator, target):
        repair = migrator.repair(
            target, arguments.versions, all_modified=arguments.all, rename=arguments.rename
        )
    return context.output.result(repair, 0)


def _reconcile(context: Context) -> int:
    arguments = context.arguments
    if arguments.all or arguments.rename:
        raise ConfigError(
            "--trust repairs the ledger, --all and --rename accept files; use one of them",
            hint="Run `pgbraid repair --trust journal` or `pgbraid repair --trust applied-set`.",
        )
    with context.project_and_database() as (migrator, target):
        reconciled = migrator.reconcile(
            target, arguments.versions, trust=arguments.trust.replace("-", "_")
        )
    return context.output.result(reconciled, 0)
