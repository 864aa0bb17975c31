"""Compares the results of an out-of-order history and of a fresh database: schema and rows.

pgbraid replays two orders of the migrations on scratch databases and compares the results. The
first is the order recorded in the database, then the pending migrations; the second is the order of
the versions. With --base it needs no database: the first order is the files of the commit, then the
files that the folder adds. If the results differ, prove prints the differences and names two
migrations whose order makes the difference, or says why it names none. Exit code 0: same, or the
difference is allowed; 1: different, or an order fails; 4: nothing could be compared on this scratch
server.
"""

from __future__ import annotations

from argparse import SUPPRESS

from pgbraid.cli.parser import add_accept, add_scratch
from pgbraid.model.errors import ConfigError

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context
    from pgbraid.model.proof import Proof

__all__ = ["add_arguments", "run"]

_NOT_REPLAYED = 4


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--base",
        metavar="REF",
        help="take the recorded order from a git commit, such as origin/main",
    )
    order.add_argument(
        "--history",
        metavar="FILE",
        help="take the recorded order from a file: a JSON list of versions",
    )
    add_accept(parser)
    parser.add_argument(
        "--explain-for",
        metavar="TIME",
        help="the time limit of the search for the pair and its example (by default, the work of "
        "ten replays, and until the proof has taken as long as twelve)",
    )
    parser.add_argument(
        "--cluster",
        action="store_true",
        default=SUPPRESS,
        help="compare the objects of the whole server, too: roles, memberships, settings of roles "
        "and databases, and owner, privileges and comment of the database",
    )
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    proof = _proof(context)
    if proof.verdict.value == "not replayed":
        return context.output.result(proof, _NOT_REPLAYED)
    return context.output.result(proof, 0 if proof.ok else 1)


def _proof(context: Context) -> Proof:
    arguments, on_event, stop = context.arguments, context.output.on_event, context.stop
    if arguments.base is not None or arguments.history is not None:
        for name in ("database", "embedded", "direct_url"):
            if getattr(arguments, name, None) is not None:
                option = f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option} cannot be combined with --base or --history")
    if arguments.base is not None:
        return context.migrator().prove(base=arguments.base, on_event=on_event, stop=stop)
    if arguments.history is not None:
        from pgbraid.prove.history_file import parse_history

        text = context.read(arguments.history)
        versions = parse_history(text, arguments.history)
        return context.migrator().prove(history=versions, on_event=on_event, stop=stop)
    with context.project_and_database() as (migrator, target):
        return migrator.prove(target, on_event=on_event, stop=stop)
