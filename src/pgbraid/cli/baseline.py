"""Records migrations as applied that this database has by other means; none of them is run.

For a restore that left the applied set out, or a schema made by hand. VERSION stands for every
migration up to it; --only names single ones. Their texts are not compared with the database: see
afterwards what `pgbraid drift` says.
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
        help="this version alone (may be repeated)",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    if (arguments.version is None) == (not arguments.only):
        raise ConfigError(
            "name the highest version that is applied, or single ones with --only, not both",
            hint="Run `pgbraid status` to see the versions.",
        )
    with context.both() as (braid, target):
        baselined = braid.baseline(target, arguments.version, only=arguments.only)
    return context.output.result(baselined, 0)
