"""Applies every migration that the set lacks, in version order, each in one transaction.

A migration that is lower than the highest applied one is a gap; it runs like any other. Where
nothing is to do, one query is asked and nothing is written. An empty set takes over a clean
schema_migrations table of golang-migrate first.
"""

from __future__ import annotations

from argparse import SUPPRESS

from pgbraid.cli.parser import add_accept, add_limits, add_scratch, version_number
from pgbraid.model.errors import MigrationFailed

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.api import Migrator
    from pgbraid.cli.context import Context
    from pgbraid.model.migration import MigrationResult
    from pgbraid.model.plan import Report
    from pgbraid.postgres.client.conninfo import Target

__all__ = ["add_arguments", "run"]

_FAILED = 3


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--to", metavar="VERSION", type=version_number, help="apply nothing above this version"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="run everything pending in one transaction, report every failure, keep nothing",
    )
    parser.add_argument(
        "--durable-each",
        action="store_true",
        help="wait for the disk after every migration, also on a fresh database",
    )
    parser.add_argument(
        "--batch",
        action="store_true",
        help="send several migrations at once, for a server that is far away",
    )
    parser.add_argument(
        "--not-applied",
        metavar="VERSION",
        type=version_number,
        action="append",
        default=[],
        help="a version that the adopted tool's counter skipped (may be repeated)",
    )
    parser.add_argument(
        "--gaps",
        choices=("apply", "prove", "refuse"),
        default=SUPPRESS,
        help="what becomes of a late migration (apply)",
    )
    add_accept(parser)
    add_scratch(parser)
    add_limits(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    with context.both() as (braid, target):
        report = _applied(context, braid, target)
    return context.output.result(report, _FAILED if report.failures else 0)


def _applied(context: Context, braid: Migrator, target: Target) -> Report:
    """Apply what is pending; on an embedded server, create the roles that migrations expect."""
    from dataclasses import replace

    arguments = context.arguments
    applied: tuple[MigrationResult, ...] = ()
    while True:
        try:
            report = braid.up(
                target,
                to=arguments.to,
                not_applied=arguments.not_applied,
                dry_run=arguments.dry_run,
                durable_each=arguments.durable_each,
                batch=arguments.batch,
                on_event=context.output.listen,
                stop=context.stop,
            )
            return replace(report, applied=(*applied, *report.applied))
        except MigrationFailed as error:
            error.applied = applied = (*applied, *error.applied)
            if target.embedded is None or not _provided(context, target, error):
                raise


def _provided(context: Context, target: Target, error: MigrationFailed) -> bool:
    """Create the role that a migration failed for want of, as whoever started the server."""
    from pgbraid.postgres.scratch.prelude import provide_role

    role = provide_role(target, error)
    if role is not None:
        context.output.warn(
            "role_provided",
            f"created the role {role}, which {error.migration.label} expects",
            hint="On a server that is deployed to, create it before the migrations run.",
        )
    return role is not None
