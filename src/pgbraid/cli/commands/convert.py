"""Writes another tool's migrations as files of pgbraid into a new folder.

Order and content stay the same. Files with an up and a down section become two files, a marker that
a file runs outside a transaction becomes a directive, dotted versions and equal versions become
distinct numbers. The file pgbraid.origin.json is written beside them: with it, pgbraid adopt
finds the converted migrations in the other tool's table, and compares that tool's checksums. The
old folder is only read.

Formatted SQL of Liquibase is read; the migrations of Alembic and Django are rendered by the tool
itself, which must be installed for --python. Files of goose, dbmate, sql-migrate, tern, sqlx,
Supabase, Atlas and golang-migrate run as they are, without a conversion.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("source", metavar="SOURCE", help="the folder of the other tool")
    parser.add_argument("destination", metavar="DESTINATION", help="a new folder")
    parser.add_argument(
        "--from",
        dest="tool",
        metavar="TOOL",
        required=True,
        help="the tool that wrote the files, such as flyway",
    )
    parser.add_argument(
        "--python",
        metavar="PROGRAM",
        help="the interpreter of the project, for Alembic and Django",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be written, and write nothing"
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pathlib import Path

    from pgbraid.migrate.convert import convert_files  # only this command needs it
    from pgbraid.migrate.foreign_files import named_tool

    arguments = context.arguments
    conversion = convert_files(
        named_tool(arguments.tool),
        Path(arguments.source),
        Path(arguments.destination),
        dry_run=arguments.dry_run,
        python=arguments.python,
    )
    errors = any(problem.severity == "error" for problem in conversion.problems)
    return context.output.result(conversion, 1 if errors else 0)
