"""Accepts files that changed after they were applied: their checksum is recorded anew.

Name the versions, or take --all for everything that has drifted. With --rename a new name is
accepted too. What was accepted stands in the journal, with the text. No migration is run.

Where the applied set lost rows, or has old ones, --trust journal makes it say what the journal
says; --trust applied-set makes the journal say what the set says, and `up` runs what the set lacks.
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
    parser.add_argument("--all", action="store_true", help="accept everything that has drifted")
    parser.add_argument("--rename", action="store_true", help="accept new names too")
    parser.add_argument(
        "--trust",
        choices=("journal", "applied-set"),
        help="where applied set and journal say the opposite: which of them is right",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    if arguments.trust:
        return _reconcile(context)
    if bool(arguments.versions) == arguments.all:
        raise ConfigError(
            "name the versions to repair or take --all, not both",
            hint="Run `pgbraid status` to see what has drifted.",
        )
    with context.both() as (braid, target):
        repair = braid.repair(
            target, arguments.versions, all_modified=arguments.all, rename=arguments.rename
        )
    return context.output.result(repair, 0)


def _reconcile(context: Context) -> int:
    arguments = context.arguments
    if arguments.all or arguments.rename:
        raise ConfigError(
            "--trust is about the set and the journal, --all and --rename are about the files",
            hint="Run `pgbraid repair --trust journal` or `--trust applied-set` alone.",
        )
    with context.both() as (braid, target):
        reconciled = braid.reconcile(
            target, arguments.versions, trust=arguments.trust.replace("-", "_")
        )
    return context.output.result(reconciled, 0)
