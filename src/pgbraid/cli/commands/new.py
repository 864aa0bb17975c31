"""Creates an empty migration file with the next version, and prints its path.

The version is of the same kind as that of the newest file: the next free number, or the time in UTC
as YYYYMMDDHHMMSS. --sequential and --timestamp choose the kind. In a folder of .up.sql files it
also creates a .down.sql file.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("name", metavar="NAME", help="a name for the migration, such as add_email")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--timestamp",
        action="store_const",
        const=True,
        default=None,
        help="use the time in UTC as the version",
    )
    kind.add_argument(
        "--sequential",
        action="store_const",
        const=False,
        dest="timestamp",
        help="use the next free number as the version",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.source.new_migration import create_migration  # only this command needs it

    arguments = context.arguments
    made = create_migration(context.settings.dir, arguments.name, timestamp=arguments.timestamp)
    files = [str(path) for path in made]
    return context.output.lines(files, 0, files=files)
