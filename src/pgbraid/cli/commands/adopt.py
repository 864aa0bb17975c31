"""Records the migrations of another tool as applied. It runs no migration.

pgbraid looks for golang-migrate's table schema_migrations in the schema of the ledger and in
public. That table holds one version, so all files up to that version count as applied. With
--not-applied, name the versions that golang-migrate skipped, and the next up applies them. If the
history is already adopted, --not-applied removes the named versions from the applied set. The other
tool's table stays until --drop-tracker drops it.
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
    with context.database() as target:
        adoption = migrator.adopt(target, not_applied=not_applied)
        rows = () if adoption else migrator.unadopt(target, not_applied)
    if adoption is not None:
        return context.output.result(adoption, 0)
    versions = [row.version for row in rows]
    lines = [
        f"{version} was removed from the applied set; the next up runs it." for version in versions
    ]
    if not_applied and not versions:
        lines = [f"Nothing to do: not in the applied set: {', '.join(map(str, not_applied))}."]
    nothing = "Nothing to adopt: that history was adopted before."
    return context.output.lines(lines or [nothing], 0, adopted=None, unadopted=versions)


def _drop(context: Context, migrator: Migrator) -> int:
    with context.database() as target:
        table = migrator.drop_tracker_table(target)
    return context.output.lines([f"Dropped {table}."], 0, dropped=table)
