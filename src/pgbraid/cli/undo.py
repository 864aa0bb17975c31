"""Runs one version's .down.sql and takes the version out of the set, in one transaction.

The safe form of psql and DELETE by hand: under the lock, all or nothing, journalled. It asks
first, unless --yes is given. The version is pending afterwards, so the next up applies it
again unless its file goes.
"""

from __future__ import annotations

import sys

from pgbraid.cli.parser import add_limits, version_number
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("version", metavar="VERSION", type=version_number, help="the version")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_limits(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.migrate.undo import find_undoable  # imports the driver

    braid = context.braid()
    version = context.arguments.version
    down, _ = find_undoable(braid.migrations, version)
    with context.database() as target:
        if not (context.arguments.yes or _confirmed(context, version, down.path, target.label)):
            return context.output.lines(["Nothing was done."], 1)
        undone = braid.undo(target, version, on_event=context.output.listen, stop=context.stop)
    return context.output.result(undone, 0)


def _confirmed(context: Context, version: int, path: str, database: str) -> bool:
    """Ask on a terminal; elsewhere an explicit --yes is needed."""
    if context.output.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            f"undo {version} runs {path} and needs a confirmation",
            hint=f"Run `pgbraid undo {version} --yes`.",
        )
    context.output.ask(f"Run {path} on {database} and take {version} out of the set? Type yes: ")
    return sys.stdin.readline().strip().lower() == "yes"
