"""Finds what somebody changed by hand: the database against what its recorded history builds.

The history is replayed on a scratch server of the same major version. The database is only read,
in one transaction, and needs no superuser. Exit code 0 where nothing has drifted, 1 where
something has.
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
        help="objects to pass over, such as 'table audit.*' (may be repeated)",
    )
    add_only_schema(parser)
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    ignore = context.settings.ignore
    with context.both() as (braid, target):
        drifted = braid.drift(
            target,
            ignore=ignore,
            only_schemas=context.arguments.only_schema,
            on_event=context.output.listen,
            stop=context.stop,
        )
    return context.output.result(drifted, 0 if drifted.ok else 1)
