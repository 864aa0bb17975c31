"""Verifies that all migrations of the folder are applied, no others, and their files unchanged.

Exit code 0 means yes, 1 means no: use it in CI and when an application starts. check writes
nothing and takes no lock. With --offline it checks only the names and texts of the files, without
a database. With --base it checks the files of a branch, also without a database: the branch must
not change, rename or delete a migration of the git commit REF, nor use a version of it again. With
--sum the files must also match pgbraid.sum.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--offline", action="store_true", help="check only the files, without a database"
    )
    parser.add_argument(
        "--base",
        metavar="REF",
        help="check only the files, and what this branch does to the migrations of the git commit "
        "REF, such as origin/main",
    )
    parser.add_argument(
        "--sum", action="store_true", help="also compare the files with pgbraid.sum"
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    base: str | None = context.arguments.base
    if context.arguments.offline or base is not None:
        from pgbraid.migrate.offline_check import check_files  # needs no driver
        from pgbraid.source.loader import load_migrations

        migrations = load_migrations(context.settings.dir, context.settings.links)
        check = check_files(migrations)
        if base is not None:
            from pgbraid.migrate.branch_check import with_branch_problems

            check = with_branch_problems(check, migrations, migrations.label, base)
        if context.arguments.sum:
            from pgbraid.source.checksum_file import with_checksum_problems

            check = with_checksum_problems(check, migrations)
    else:
        with context.project_and_database() as (migrator, target):
            check = migrator.check(target, checksum_file=context.arguments.sum)
    return context.output.result(check, 0 if check.ok else 1)
