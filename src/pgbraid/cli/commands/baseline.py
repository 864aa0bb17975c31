"""Records migrations as applied without running them.

Use it when the database already has their changes: after a restore without the ledger, or when
the schema was made by hand. VERSION records all migrations up to this version; --only records
single versions. pgbraid does not compare the files with the database: run `pgbraid drift`
afterwards.
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


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    if (arguments.version is None) == (not arguments.only):
        raise ConfigError(
            "name the highest applied version, or single versions with --only, not both",
            hint="Run `pgbraid status` to see the versions.",
        )
    with context.project_and_database() as (migrator, target):
        baselined = migrator.baseline(target, arguments.version, only=arguments.only)
    return context.output.result(baselined, 0)
