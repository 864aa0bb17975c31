"""Records migrations as applied without running them.

Use it when the database already has their changes: after a restore without the ledger, or when
the schema was made by hand. VERSION records all migrations up to this version; --only records
single versions. With --verify, pgbraid first replays them on a scratch server and compares the
schema of the database with the result: if they differ, it prints the differences, records nothing
and exits with 1. Without it, run `pgbraid drift` afterwards.
"""

from __future__ import annotations

from argparse import SUPPRESS

from pgbraid.cli.parser import add_scratch, version_number
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "version",
        metavar="VERSION",
        type=version_number,
        nargs="?",
        help="the highest version that is applied",
    )
    parser.add_argument(
        "--only",
        metavar="VERSION",
        type=version_number,
        action="append",
        default=[],
        help="record only this version (may be repeated)",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="first replay these migrations on a scratch server, and record nothing if the "
        "database differs from the result",
    )
    parser.add_argument(
        "--ignore",
        metavar="PATTERN",
        action="append",
        default=SUPPRESS,
        help="with --verify: objects to ignore, such as 'table audit.*' (may be repeated)",
    )
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    if (arguments.version is None) == (not arguments.only):
        raise ConfigError(
            "name the highest applied version, or single versions with --only, not both",
            hint="Run `pgbraid status` to see the versions.",
        )
    with context.project_and_database() as (migrator, target):
        baselined = migrator.baseline(
            target,
            arguments.version,
            only=arguments.only,
            verify=arguments.verify,
            ignore=context.settings.ignore,
        )
    return context.output.result(baselined, 0 if baselined.ok else 1)
