"""Waits until another process has applied all migrations of the folder.

For a process that does not migrate: exit code 0 as soon as every file is applied, unchanged, and
more versions may be; 1 if the time is up, with what is missing, or at once for what waiting cannot
change, such as a wrong or changed file; 4 if there was no connection. wait reads the ledger each
second with one query, writes nothing and takes no lock. It reconnects while the server is away.
"""

from __future__ import annotations

from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("--timeout", metavar="TIME", help="how long to wait (10min)")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="wait also until no version without a file is applied, as check demands it",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments, output = context.arguments, context.output
    if getattr(arguments, "embedded", None) is True:
        raise ConfigError(
            "no other process can migrate a temporary server",
            hint="Name the database with --database, or the folder of a server with --embedded.",
        )
    if getattr(arguments, "wait", None) is not None:
        raise ConfigError("wait waits for the server, too", hint="Give --timeout only.")
    timeout = _timeout(arguments.timeout)
    from pgbraid.model.results import NotReady

    with context.project_and_database() as (migrator, target):
        try:
            readiness = migrator.ready(
                target,
                timeout=timeout,
                exact=arguments.exact,
                on_event=output.on_event,
                stop=context.stop,
            )
        except NotReady as late:
            return output.result(late.readiness, 1)
    return output.result(readiness, 0)


def _timeout(given: str | None) -> float:
    """Return the time limit in seconds. Raises ConfigError."""
    from pgbraid.model.units import parse_duration

    seconds = parse_duration("10min" if given is None else given)
    if seconds is None:
        expected = "a number of seconds, or a span such as 500ms, 2s or 10min"
        raise ConfigError(f"--timeout must be {expected}, not {given!r}")
    return seconds
