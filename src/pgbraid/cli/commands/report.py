"""Writes one HTML page about a database: the two orders, the runs, waits and failures.

The page is one file without script and without requests. It draws the order in which the migrations
were applied beside the order of their versions, and lists the runs with their waits for locks and
their failures. With --prove and --drift, it has the results of these commands, too. The database is
only read. The page needs the extra pgbraid[report]; --json does not. Exit code 0: the page was
written, even if it shows a difference; with --strict as prove and drift; 4: a proof or a comparison
could not be made, which the page shows.
"""

from __future__ import annotations

from pgbraid.cli.parser import add_accept, add_scratch
from pgbraid.model.errors import ConfigError, PgbraidError, Stopped

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from pgbraid.api import Migrator
    from pgbraid.cli.context import Context
    from pgbraid.model.proof import DriftReport, Proof
    from pgbraid.page.page import Page
    from pgbraid.postgres.client.conninfo import Target

    _Made = TypeVar("_Made", Proof, DriftReport)

__all__ = ["add_arguments", "run"]

_FILE = "pgbraid-report.html"
_NOT_REPLAYED = 4


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--output",
        metavar="FILE",
        help=f"the file to write ({_FILE}; with --json none); an existing one is replaced",
    )
    parser.add_argument("--prove", action="store_true", help="add the result of prove")
    parser.add_argument("--drift", action="store_true", help="add the result of drift")
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--base",
        metavar="REF",
        help="with --prove: take the recorded order from a git commit, such as origin/main",
    )
    order.add_argument(
        "--history",
        metavar="FILE",
        help="with --prove: take the recorded order from a file, a JSON list of versions",
    )
    parser.add_argument(
        "--hazards",
        dest="hazards_file",  # `hazards` is a setting
        metavar="FILE",
        help="add the hazards of this file, which pgbraid lint --json has written",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with 1 if the proof fails or the database has drifted",
    )
    add_accept(parser)
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments, output = context.arguments, context.output
    if not arguments.prove and (arguments.base or arguments.history) is not None:
        raise ConfigError("--base and --history need --prove")
    default = None if output.as_json else _FILE
    file: str | None = default if arguments.output is None else arguments.output
    if file is not None:
        from pgbraid.page.html import check_available

        check_available()
        context.check_folder_of(file)
    hazards = None
    if arguments.hazards_file is not None:
        from pgbraid.page.sections.hazards import parse_hazards

        hazards = parse_hazards(context.read(arguments.hazards_file), arguments.hazards_file)
    with context.database() as target:
        migrator = context.migrator()
        proof = _result(_proof, context, migrator, target) if arguments.prove else None
        drift = _result(_drift, context, migrator, target) if arguments.drift else None
        page = migrator.report(target, proof=proof, drift=drift, hazards=hazards, stop=context.stop)
    if file is not None:
        context.replace_file(file, page.html)
    code = _exit_code(proof, drift, strict=arguments.strict)
    return output.lines(_lines(page, file), code, file=file, **page.json)


def _result(
    make: Callable[[Context, Migrator, Target], _Made],
    context: Context,
    migrator: Migrator,
    target: Target,
) -> _Made | PgbraidError:
    """Return what ``make`` returns, or its error, which the page shows."""
    try:
        return make(context, migrator, target)
    except Stopped:
        raise
    except PgbraidError as error:
        context.output.detail(error.message)
        return error


def _proof(context: Context, migrator: Migrator, target: Target) -> Proof:
    arguments, on_event, stop = context.arguments, context.output.on_event, context.stop
    if arguments.base is not None:
        return migrator.prove(base=arguments.base, on_event=on_event, stop=stop)
    if arguments.history is not None:
        from pgbraid.prove.history_file import parse_history

        versions = parse_history(context.read(arguments.history), arguments.history)
        return migrator.prove(history=versions, on_event=on_event, stop=stop)
    return migrator.prove(target, on_event=on_event, stop=stop)


def _drift(context: Context, migrator: Migrator, target: Target) -> DriftReport:
    ignore, on_event = context.settings.ignore, context.output.on_event
    return migrator.drift(target, ignore=ignore, on_event=on_event, stop=context.stop)


def _exit_code(
    proof: Proof | PgbraidError | None, drift: DriftReport | PgbraidError | None, *, strict: bool
) -> int:
    """Return 0 if the page has all requested results; with ``strict``, only if these are good."""
    from pgbraid.cli.run import exit_code

    codes = [0]
    for result in (proof, drift):
        if isinstance(result, PgbraidError):
            codes.append(exit_code(result))
        elif strict and result is not None and not result.ok:
            verdict = getattr(result, "verdict", None)
            codes.append(_NOT_REPLAYED if verdict == "not replayed" else 1)
    return max(codes)


def _lines(page: Page, file: str | None) -> Iterator[str]:
    """Yield the figures of the page, and the file."""
    for tile in page.content.tiles:
        note = f" ({tile.note})" if tile.note else ""
        yield f"{tile.title + ':':<23}{tile.value}{note}"
    yield f"{file} written."
