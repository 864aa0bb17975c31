"""Creates a migration file with the next version and comments only, and prints its path.

The version is the next free number, or the time in UTC as YYYYMMDDHHMMSS: if the newest file has a
timestamp, and in a git repository with a remote or several branches, where two branches would
choose the same next number. --sequential, --timestamp and the setting numbering choose the kind. In
a folder of .up.sql files it also creates a .down.sql file.
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
    from pgbraid.cli.render.psql import spelled
    from pgbraid.source.writing.new_migration import create_migration  # only this command needs it

    arguments, settings = context.arguments, context.settings
    made = create_migration(
        settings.dir,
        arguments.name,
        timestamp=arguments.timestamp,
        numbering=settings.numbering,
    )
    chosen, files = made.numbering, [str(path) for path in made.files]
    if chosen.inferred:
        context.output.note(
            f"the version is a timestamp, because {chosen.reason}; for the next number of a "
            'sequence: --sequential, or the setting numbering = "sequential"'
        )
    reason = spelled(chosen.reason)
    return context.output.lines(files, 0, files=files, numbering=chosen.kind, reason=reason)
