"""Resumes one incomplete non-transactional migration, and runs no other migration.

pgbraid does not repeat a statement that the catalog shows as done. It drops an invalid index that
is known to come from the interrupted statement. If it cannot find out whether a statement was done,
it needs a decision: --retry or --skip.
"""

from __future__ import annotations

from pgbraid.cli.parser import add_limits, version_number

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Literal

    from pgbraid.cli.context import Context

    How = Literal["retry", "skip", "forget"]

__all__ = ["add_arguments", "run"]

_DECISIONS: tuple[How, ...] = ("retry", "skip")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument("version", metavar="VERSION", type=version_number, help="the version")
    how = parser.add_mutually_exclusive_group()
    for name, text in (
        (
            "retry",
            "run again the statement whose outcome is unknown; a NUMBER must be its number",
        ),
        ("skip", "treat that statement as done, and continue with the next one"),
    ):
        how.add_argument(
            f"--{name}", metavar="NUMBER", nargs="?", type=int, const=0, default=None, help=text
        )
    how.add_argument(
        "--forget",
        action="store_true",
        help="run nothing; the next up runs the file from its first statement. Changes stay",
    )
    add_limits(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    how: How | None = "forget" if arguments.forget else None
    number: int | None = None
    for name in _DECISIONS:
        given: int | None = getattr(arguments, name)
        if given is not None:
            how, number = name, given or None
    with context.project_and_database() as (migrator, target):
        report = migrator.resume(
            target,
            arguments.version,
            how=how,
            statement=number,
            on_event=context.output.on_event,
            stop=context.stop,
        )
    return context.output.result(report, 0)
