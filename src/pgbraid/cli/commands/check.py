"""Verifies that all migrations of the folder are applied, no others, and their files unchanged.

Exit code 0 means yes, 1 means no: use it in CI and when an application starts. check writes
nothing and takes no lock. With --offline it checks only the names and texts of the files, without
a database. With --base it checks the files of a branch, also without a database: the branch must
not change, rename or delete a migration of the git commit REF, nor use a version of it again. With
--prove it also proves that both orders of the migrations end the same, with --lint it also finds
the hazards of the new migrations. With --sum the files must also match pgbraid.sum.
"""

from __future__ import annotations

from pgbraid.cli.parser import add_accept, add_format, add_scratch
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from pgbraid.cli.context import Context
    from pgbraid.model.results import Check

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--offline", action="store_true", help="check only the files, without a database"
    )
    parser.add_argument(
        "--base",
        metavar="REF",
        help="check only the files, and what this branch does to the migrations of the git commit "
        "REF, such as origin/main",
    )
    parser.add_argument(
        "--prove",
        action="store_true",
        help="with --base: also prove that the migrations of this branch can run after those of "
        "REF, as prove --base does",
    )
    parser.add_argument(
        "--lint",
        action="store_true",
        help="with --base: also find the hazards of the migrations of this branch, as "
        "lint --base does; the answer is no if a finding is an error",
    )
    parser.add_argument(
        "--sum", action="store_true", help="also compare the files with pgbraid.sum"
    )
    parser.add_argument(
        "--allow-newer",
        action="store_true",
        help="accept applied versions without a file, which a newer release has applied",
    )
    add_format(parser)
    add_accept(parser)
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments, output = context.arguments, context.output
    _refuse_contradictions(arguments)
    if output.form in {"github", "gitlab", "sarif"}:
        from pgbraid.cli.render.findings import Paths
        from pgbraid.source.git import repository_root

        folder = context.settings.dir
        output.paths = Paths(folder, repository_root(folder))
    if arguments.offline or arguments.base is not None:
        check = _check_files(context)
    else:
        with context.project_and_database() as (migrator, target):
            check = migrator.check(
                target, checksum_file=arguments.sum, newer_ok=arguments.allow_newer
            )
    return output.result(check, 0 if check.ok else 1)


def _refuse_contradictions(arguments: Namespace) -> None:
    """Raise ConfigError for options that cannot be combined."""
    form = arguments.format
    if form not in {None, "json"} and getattr(arguments, "json", False):
        raise ConfigError(
            f"--json and --format {form} are two different formats",
            hint="Give one of the two; `pgbraid check --help` lists the formats.",
        )
    if arguments.prove and arguments.base is None:
        raise ConfigError(
            "--prove needs --base",
            hint="Name the commit, as in `pgbraid check --base origin/main --prove`. "
            "`pgbraid prove` takes the order from a database.",
        )
    if arguments.lint and arguments.base is None:
        raise ConfigError(
            "--lint needs --base",
            hint="Name the commit, as in `pgbraid check --base origin/main --lint`. "
            "`pgbraid lint` judges the pending migrations of a database.",
        )
    if arguments.allow_newer and (arguments.offline or arguments.base is not None):
        raise ConfigError(
            "--allow-newer needs a database",
            hint="Run `pgbraid check --allow-newer` without --offline and --base.",
        )
    for name in ("scratch", "accept"):
        used = arguments.prove or (arguments.lint and name == "scratch")
        if not used and getattr(arguments, name, None) is not None:
            raise ConfigError(
                f"--{name} needs --prove",
                hint="Run `pgbraid check --base origin/main --prove` with it.",
            )


def _check_files(context: Context) -> Check:
    """Check the files, with --base also what the branch does; without a database."""
    from pgbraid.migrate.offline_check import check_files  # needs no driver
    from pgbraid.source.loader import load_migrations

    arguments = context.arguments
    migrations = load_migrations(context.settings.dir, context.settings.links)
    check = check_files(migrations)
    if arguments.base is not None:
        from pgbraid.migrate.branch_check import with_branch_problems

        check = with_branch_problems(check, migrations, migrations.label, arguments.base)
    if arguments.sum:
        from pgbraid.source.checksum_file import with_checksum_problems

        check = with_checksum_problems(check, migrations)
    if arguments.prove and migrations.migrations:
        check = _prove(context, check)
    if arguments.lint and migrations.migrations and check.ok:
        check = _lint(context, check)
    return check


def _prove(context: Context, check: Check) -> Check:
    """Add the proof of the branch to the check of its files."""
    from pgbraid.prove.proven_check import with_proof

    migrator, output = context.migrator(), context.output
    return with_proof(
        check,
        lambda: migrator.prove(base=check.base, on_event=output.on_event, stop=context.stop),
    )


def _lint(context: Context, check: Check) -> Check:
    """Add the hazards of the branch to the check of its files."""
    from dataclasses import replace

    output = context.output
    report = context.migrator().lint(base=check.base, on_event=output.on_event, stop=context.stop)
    return replace(check, hazards=report, problems=(*check.problems, *report.problems))
