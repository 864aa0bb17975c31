"""Replaces the migrations up to a version by one file, the baseline.

pgbraid replays the migrations on a scratch server and dumps the result with pg_dump. It replays the
baseline on another scratch database and compares schema and rows. Only if they are equal, it writes
the baseline, deletes the files that it replaces, and writes pgbraid.sum again if there is one. Exit
code 0: equal; 1: different, and nothing is written.

A database that has all replaced versions sees the baseline as applied. A fresh database runs the
baseline only. A database that has a part of them is refused: run pgbraid up there with the files
that still exist, before the release with the baseline.
"""

from __future__ import annotations

from pgbraid.cli.parser import add_scratch, version_number

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--to",
        metavar="VERSION",
        type=version_number,
        required=True,
        help="replace all migrations up to this version",
    )
    parser.add_argument(
        "--name", metavar="NAME", default="baseline", help="the name of the new file (baseline)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="prove and print the result, and write nothing"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="delete files with uncommitted changes, which git could not restore",
    )
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.command import make_options
    from pgbraid.prove.squash import SquashRequest, squash_migrations  # only this command needs it

    arguments, migrator = context.arguments, context.migrator()
    request = SquashRequest(arguments.to, arguments.name, arguments.dry_run, arguments.force)
    options = make_options(
        migrator.settings, migrator.scratch, context.output.on_event, context.stop
    )
    links = migrator.settings.links
    squash = squash_migrations(migrator.migrations, migrator.ledger, options, request, links)
    return context.output.result(squash, 0 if squash.ok else 1)
