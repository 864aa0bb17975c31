"""Records the applied migrations in another tool's table, to go back to that tool.

The tools are golang-migrate, goose, dbmate, Flyway and sqlx. Nothing runs, and the ledger of
pgbraid stays. The table is created if it is missing; rows that it has already are kept. If the
table cannot express the applied set, nothing is written: golang-migrate keeps only the highest
version, so it cannot express a gap.
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
        "--to",
        dest="tool",
        metavar="TOOL",
        required=True,
        help="golang-migrate, goose, dbmate, flyway or sqlx",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be recorded, and write nothing"
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    tool, dry_run = context.arguments.tool, context.arguments.dry_run
    with context.project_and_database() as (migrator, target):
        exported = migrator.export(target, tool, dry_run=dry_run)
    return context.output.result(exported, 0)
