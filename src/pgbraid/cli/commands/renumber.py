"""Gives the migrations that only this branch has versions above those of its base.

It renames the files, their down files and their lines in pgbraid.sum, all or none, and keeps their
order. Without VERSION these are the migrations whose version the base has too, or that would run
out of order after the merge. The base is the git commit --base, or origin/HEAD, or the upstream
that this branch will join. If a database is named, renumber refuses a migration that is applied
there.
"""

from __future__ import annotations

from pgbraid.model.errors import ConnectionFailed

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context
    from pgbraid.migrate.renumber import Renumbering

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "versions",
        metavar="VERSION",
        nargs="*",
        help="a version or a file of this branch; all others keep their names",
    )
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the git commit whose migrations keep their versions, such as origin/main",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the renames, and rename nothing"
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from dataclasses import replace

    from pgbraid.migrate.renumber import plan_renumbering  # only this command needs it
    from pgbraid.source.git import default_base

    arguments, settings = context.arguments, context.settings
    base = arguments.base if arguments.base is not None else default_base(settings.dir)
    renumbering = plan_renumbering(
        settings.dir,
        base,
        arguments.versions,
        links=settings.links,
        numbering=settings.numbering,
    )
    result = replace(renumbering.result, dry_run=arguments.dry_run)
    notes = (*_check_database(context, renumbering), *result.notes)
    if not arguments.dry_run:
        renumbering.carry_out()
    code = context.output.result(replace(result, notes=notes), 0)
    for note in notes:
        context.output.note(note)
    return code


def _check_database(context: Context, renumbering: Renumbering) -> tuple[str, ...]:
    """Refuse migrations that are applied in the database, if one is named.

    Return a note if the database of the environment or of the settings cannot be reached: the
    command line does not require it.
    """
    from pgbraid.settings import environment

    arguments, settings = context.arguments, context.settings
    names = ("database", "direct_url", "embedded")
    explicit = any(getattr(arguments, name, None) is not None for name in names)
    configured = (environment.direct_url(), settings.direct_url, environment.database_url())
    if not renumbering.migrations or not (explicit or any(u is not None for u in configured)):
        return ()
    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.migration import LedgerTable, MigrationSet
    from pgbraid.model.options import RunOptions

    try:
        with context.database(settings) as target:
            ledger = LedgerTable(settings.schema, settings.table)
            options = RunOptions(stop=context.stop)
            renumbering.refuse_applied(Command(MigrationSet(()), target, ledger, options=options))
    except ConnectionFailed as error:
        if explicit:
            raise
        return (f"applied versions are not checked: {error.message}",)
    return ()
