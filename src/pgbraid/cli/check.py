"""Answers whether the applied set is exactly the files', and nothing has drifted.

Made for the boot of an application and for CI: exit code 0 for yes, 1 for no. Nothing is
written and no lock is taken. With --offline only the files are looked at, every text of them,
and no database is needed. With --sum the files must be those that pgbraid.sum lists, too.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("--offline", action="store_true", help="look at the files alone")
    parser.add_argument(
        "--sum", action="store_true", help="compare the files with pgbraid.sum as well"
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    if context.arguments.offline:
        from pgbraid.migrate.offline_check import check_files  # needs no driver
        from pgbraid.source.loader import load_migrations

        migrations = load_migrations(context.settings.dir, context.settings.links)
        check = check_files(migrations)
        if context.arguments.sum:
            from pgbraid.source.checksum_file_io import with_checksum_problems

            check = with_checksum_problems(check, migrations)
    else:
        with context.both() as (braid, target):
            check = braid.check(target, checksum_file=context.arguments.sum)
    return context.output.result(check, 0 if check.ok else 1)
