"""Applies all pending migrations in version order, each in one transaction if possible.

A pending migration below the highest applied version is a gap; it runs like any other. If nothing
is pending and no file was changed, up runs one query and writes nothing. The first up adopts
golang-migrate's table schema_migrations; if that is marked dirty, up refuses to run.
"""

from __future__ import annotations

from argparse import SUPPRESS

from pgbraid.cli.parser import add_accept, add_limits, add_scratch, version_number
from pgbraid.model.errors import ConfigError, MigrationFailed

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
        "--to", metavar="VERSION", type=version_number, help="the highest version to apply"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="try the pending migrations that can run in a transaction, all in one, report every "
        "failure, and roll back",
    )
    parser.add_argument(
        "--create", action="store_true", help="create the database if it does not exist"
    )
    parser.add_argument(
        "--durable-each",
        action="store_true",
        help="flush every commit to disk, also on a fresh database",
    )
    parser.add_argument(
        "--batch",
        action="store_true",
        help="send several migrations in one message, each in its own transaction",
    )
    parser.add_argument(
        "--not-applied",
        metavar="VERSION",
        type=version_number,
        action="append",
        default=[],
        help="a version that the adopted tool did not apply (may be repeated)",
    )
    parser.add_argument(
        "--gaps",
        choices=("apply", "prove", "refuse"),
        default=SUPPRESS,
        help="policy for gaps, the out-of-order migrations (apply)",
    )
    parser.add_argument(
        "--hazards",
        choices=("off", "warn", "refuse"),
        default=SUPPRESS,
        help="whether the pending migrations run on a scratch server first, to find their "
        "hazards: warn reports them, refuse stops before one that is an error (off)",
    )
    add_accept(parser)
    add_scratch(parser)
    add_limits(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    if context.arguments.create and context.arguments.dry_run:
        raise ConfigError(
            "--create makes a database, and --dry-run must leave nothing behind",
            hint="Run `pgbraid up --dry-run` without --create; on an embedded server, the database "
            "exists.",
        )
    with context.project_and_database() as (migrator, target):
        named = _creating(context, target) if context.arguments.create else target
        report = _up(context, migrator, named)
    return context.output.result(report, _FAILED if report.failures else 0)


def _creating(context: Context, target: Target) -> Target:
    """Return the target with the permission to create its database."""
    from dataclasses import replace

    def report(name: str) -> None:
        context.output.note(f"created the database {name}")

    return replace(target, on_created=report)


def _up(context: Context, migrator: Migrator, target: Target) -> Report:
    """Run up. On an embedded server, create the roles that the migrations expect."""
    from dataclasses import replace

    arguments = context.arguments
    applied: tuple[MigrationResult, ...] = ()
    while True:
        try:
            report = migrator.up(
                target,
                to=arguments.to,
                not_applied=arguments.not_applied,
                dry_run=arguments.dry_run,
                durable_each=arguments.durable_each,
                batch=arguments.batch,
                on_event=context.output.on_event,
                stop=context.stop,
            )
            return replace(report, applied=(*applied, *report.applied))
        except MigrationFailed as error:
            error.applied = applied = (*applied, *error.applied)
            if target.embedded is None or not _role_created(context, target, error):
                raise


def _role_created(context: Context, target: Target, error: MigrationFailed) -> bool:
    """Create the missing role that a migration failed for; return whether there was one."""
    from pgbraid.postgres.scratch.prelude import provide_role

    role = provide_role(target, error)
    if role is not None:
        context.output.warn(
            "role_provided",
            f"created the role {role}, because {error.migration.label} expects it",
            hint="On a production server, create it before the migrations run.",
        )
    return role is not None
