"""Records the migrations of another tool as applied. It runs no migration.

pgbraid knows the tables of some thirty tools: golang-migrate, goose, dbmate, Flyway, Liquibase,
sqlx, Prisma, Alembic, Django and others. It looks for them in the schema of the ledger, in public,
and where the tool puts them by default. If the tool keeps a checksum, the files are compared with
it. If the tool keeps only the highest version, all files up to it count as applied: with
--not-applied, name the versions that it skipped, and the next up applies them. If the history is
already adopted, --not-applied removes the named versions from the applied set. The other tool's
table stays until --drop-tracker drops it.
"""

from __future__ import annotations

from pgbraid.cli.parser import version_number

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.api import Migrator
    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--from",
        dest="tool",
        metavar="TOOL",
        help="the tool that has applied the migrations, such as flyway: needed only if the "
        "database has the tables of several",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be recorded, and write nothing"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--not-applied",
        metavar="VERSION",
        type=version_number,
        action="append",
        default=[],
        help="a version that the other tool did not apply (may be repeated)",
    )
    kind.add_argument(
        "--drop-tracker",
        action="store_true",
        help="drop the other tool's table, if its whole history is adopted",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    migrator = context.migrator()
    if context.arguments.drop_tracker:
        return _drop(context, migrator)
    not_applied = context.arguments.not_applied
    tool, dry_run = context.arguments.tool, context.arguments.dry_run
    with context.database() as target:
        adoption = migrator.adopt(target, tool, not_applied=not_applied, dry_run=dry_run)
        rows = () if adoption or dry_run else migrator.unadopt(target, not_applied)
    if adoption is not None:
        return context.output.result(adoption, 0)
    versions = [row.version for row in rows]
    lines = [
        f"{version} was removed from the applied set; the next up runs it." for version in versions
    ]
    if not_applied and not versions:
        lines = [f"Nothing to do: not in the applied set: {', '.join(map(str, not_applied))}."]
    nothing = [
        "Nothing to adopt: the applied set has migrations, or had them before.",
        "If the other tool has applied more, record that with `pgbraid baseline --only VERSION`.",
    ]
    return context.output.lines(lines or nothing, 0, adopted=None, unadopted=versions)


def _drop(context: Context, migrator: Migrator) -> int:
    with context.database() as target:
        table = migrator.drop_tracker_table(target)
    return context.output.lines([f"Dropped {table}."], 0, dropped=table)
