"""Writes the sha256 of all migration files to pgbraid.sum, in the same folder.

The format is that of sha256sum. Commit the file: `pgbraid check --sum` then verifies that the
files are the listed ones. If a file cannot be loaded, or two files have the same version, sum
writes nothing. It does not check the SQL.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options: none."""


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.source.checksum_file import write_checksum_file
    from pgbraid.source.loader import load_migrations

    folder, links = context.settings.dir, context.settings.links
    return context.output.result(write_checksum_file(folder, load_migrations(folder, links)), 0)
