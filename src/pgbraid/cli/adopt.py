"""Enters another tool's history in the set; no migration is run.

golang-migrate's schema_migrations is found in the tracker's schema or in public. Its counter
stands for every file up to its version; name the versions that it skipped with --not-applied,
and the next up applies them. Said after the adoption, it takes them out of the set again. The
old table stays until --drop-tracker-table drops it.
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
        help="a version that the tool's counter skipped (may be repeated)",
    )
    kind.add_argument(
        "--drop-tracker-table",
        action="store_true",
        help="drop the other tool's table, which was adopted before",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    braid = context.braid()
    if context.arguments.drop_tracker_table:
        return _drop(context, braid)
    not_applied = context.arguments.not_applied
    with context.database() as target:
        adoption = braid.adopt(target, not_applied=not_applied)
        rows = () if adoption else braid.unadopt(target, not_applied)
    if adoption is not None:
        return context.output.result(adoption, 0)
    versions = [row.version for row in rows]
    lines = [f"{version} taken out of the set; the next up runs it." for version in versions]
    if not_applied and not versions:
        lines = [f"Nothing to do: the set does not have {', '.join(map(str, not_applied))}."]
    nothing = "Nothing to adopt: the set has that history, or gave it back, already."
    return context.output.lines(lines or [nothing], 0, adopted=None, unadopted=versions)


def _drop(context: Context, braid: Migrator) -> int:
    with context.database() as target:
        table = braid.drop_tracker_table(target)
    return context.output.lines([f"Dropped {table}."], 0, dropped=table)
