"""Finds schema changes that no migration made.

pgbraid replays the recorded history on a scratch server of the same major version, and compares
the result with the database. It only reads the compared database, in one transaction, and
needs no superuser there. Exit code 0 means no drift, 1 means drift.
"""

from __future__ import annotations

from argparse import SUPPRESS

from pgbraid.cli.parser import add_only_schema, add_scratch

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--ignore",
        metavar="PATTERN",
        action="append",
        default=SUPPRESS,
        help="objects to ignore, such as 'table audit.*' (may be repeated)",
    )
    add_only_schema(parser)
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    ignore = context.settings.ignore
    with context.project_and_database() as (migrator, target):
        drifted = migrator.drift(
            target,
            ignore=ignore,
            only_schemas=context.arguments.only_schema,
            on_event=context.output.on_event,
            stop=context.stop,
        )
    return context.output.result(drifted, 0 if drifted.ok else 1)
