"""Runs the down file of one version and removes the version from the applied set.

Unlike psql and a manual DELETE, undo takes the migration lock, commits all or nothing, and writes
to the journal. It asks for confirmation unless --yes is given. The version is pending afterwards:
the next up applies it again, unless its file is removed.
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
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    add_limits(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.migrate.undo import find_undoable  # imports the driver

    migrator = context.migrator()
    version = context.arguments.version
    down, _ = find_undoable(migrator.migrations, version)
    with context.database() as target:
        if not (context.arguments.yes or _confirmed(context, version, down.path, target.label)):
            return context.output.lines(["Nothing was changed."], 1)
        undone = migrator.undo(target, version, on_event=context.output.on_event, stop=context.stop)
    return context.output.result(undone, 0)


def _confirmed(context: Context, version: int, path: str, database: str) -> bool:
    """Ask for confirmation on a terminal. Raises ConfigError without one: use --yes."""
    if context.output.as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            f"undo {version} runs {path} and needs a confirmation",
            hint=f"Run `pgbraid undo {version} --yes`.",
        )
    context.output.prompt(
        f"Run {path} on {database} and remove {version} from the applied set? Type yes: "
    )
    return sys.stdin.readline().strip().lower() == "yes"
