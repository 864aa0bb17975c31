"""Finds the hazards of migrations: blocked tables, lost data, broken queries.

lint runs the migrations on a scratch server, behind the history. After each statement it reads from
the server which relations were locked, rewritten, read and built. The sizes of the production
tables decide how grave a finding is. With a database, its pending migrations are judged, by its own
sizes; with --base the migrations that this branch adds to a git commit, without a database; with
--all or VERSION each file as if it were the only pending one.

Sizes come from the file that `pgbraid sizes` writes. Exit code 0: no finding at or above --fail-on;
1: there is one; 3: a migration fails; 4: there is no scratch server.
"""

from __future__ import annotations

from pgbraid.cli.parser import add_format, add_scratch, version_number
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from pgbraid.cli.context import Context
    from pgbraid.model.findings import HazardReport

__all__ = ["add_arguments", "run"]

_FAILED = 3


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "versions",
        metavar="VERSION",
        nargs="*",
        type=version_number,
        help="judge only this version, as if it were the only pending one (may be repeated)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--base",
        metavar="REF",
        help="judge the migrations that this branch adds to a git commit, such as origin/main",
    )
    which.add_argument(
        "--all", action="store_true", help="judge each file as if it were the only pending one"
    )
    which.add_argument("--rules", action="store_true", help="list the rules, and judge nothing")
    parser.add_argument(
        "--sizes", metavar="FILE", help="the sizes of production (pgbraid.sizes.json)"
    )
    parser.add_argument(
        "--queries", metavar="FILE", help="statements of the running release, which must not break"
    )
    parser.add_argument(
        "--probe",
        action="store_true",
        help="search the database for rows on which a migration would fail, 5 s for each",
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "notice"),
        default="error",
        help="the lowest severity for which the exit code is 1 (error)",
    )
    add_format(parser)
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments, output = context.arguments, context.output
    _refuse_contradictions(arguments)
    if arguments.rules:
        from pgbraid.cli.render.lint_text import rule_document, rule_lines
        from pgbraid.hazards.rules.catalogue import RULES

        return output.lines(rule_lines(RULES, output.columns), 0, rules=rule_document(RULES))
    if output.form in {"github", "gitlab", "sarif"}:
        from pgbraid.cli.render.findings import Paths
        from pgbraid.source.git import repository_root

        output.paths = Paths(context.settings.dir, repository_root(context.settings.dir))
    report = _report(context)
    return output.result(report, _exit_code(report, arguments.fail_on))


def _exit_code(report: HazardReport, fail_on: str) -> int:
    from pgbraid.model.findings import HazardSeverity

    if report.failed is not None:
        return _FAILED
    grave = report.worst().rank >= HazardSeverity(fail_on).rank
    return 1 if grave or report.problems else 0


def _refuse_contradictions(arguments: Namespace) -> None:
    """Raise ConfigError for options that cannot be combined."""
    form = arguments.format
    if form not in {None, "json"} and getattr(arguments, "json", False):
        raise ConfigError(
            f"--json and --format {form} are two different formats",
            hint="Give one of the two; `pgbraid lint --help` lists the formats.",
        )
    files = "--base" if arguments.base is not None else "--all" if arguments.all else None
    files = "--rules" if arguments.rules else files
    if files and arguments.versions:
        raise ConfigError(f"{files} and VERSION judge different migrations", hint="Give one.")
    files = "VERSION" if arguments.versions else files
    if files is None:
        return
    for name in ("database", "embedded", "direct_url"):
        if getattr(arguments, name, None) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(
                f"{option} cannot be combined with {files}, which judges files without a database",
                hint="Give the sizes of production with --sizes.",
            )
    if arguments.probe:
        raise ConfigError("--probe needs a database", hint=f"Run `pgbraid lint` without {files}.")


def _report(context: Context) -> HazardReport:
    arguments = context.arguments
    on_event, stop = context.output.on_event, context.stop
    sizes = None
    if arguments.sizes is not None:  # before a database is read
        from pgbraid.hazards.sizes_file import parse_sizes

        sizes = parse_sizes(context.read(arguments.sizes), arguments.sizes)
    if arguments.base is not None or arguments.all or arguments.versions:
        migrator = context.migrator()
        versions = arguments.versions or None
        return migrator.lint(
            base=arguments.base, versions=versions, sizes=sizes, on_event=on_event, stop=stop
        )
    with context.project_and_database() as (migrator, target):
        return migrator.lint(
            target, sizes=sizes, probe=arguments.probe, on_event=on_event, stop=stop
        )
