"""Shows that an out-of-order history and a fresh database end with the same schema, or why not.

Two orders of the migrations are replayed on scratch databases and compared: the one recorded in
the database with what is pending behind it, and that of the versions. With --base no database is
asked: what the commit has, then what the folder adds. Where they differ, every difference is told
and the pair of migrations named that does not commute. Exit code 0 for the same, 1 for not, 4 where
the migrations cannot be replayed on the scratch server.
"""

from __future__ import annotations

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
        "--base", metavar="REF", help="a git commit, such as origin/main, instead of a database"
    )
    order.add_argument(
        "--history", metavar="FILE", help="versions in the order they were applied, as JSON"
    )
    add_accept(parser)
    parser.add_argument(
        "--explain-for",
        metavar="TIME",
        help="how long to look for the smallest example (until the proof has taken as long as "
        "twelve plain replays)",
    )
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    proof = _proof(context)
    if proof.verdict.value == "not replayed":
        return context.output.result(proof, _NOT_REPLAYED)
    return context.output.result(proof, 0 if proof.ok else 1)


def _proof(context: Context) -> Proof:
    arguments, listen, stop = context.arguments, context.output.listen, context.stop
    if arguments.base is not None or arguments.history is not None:
        for name in ("database", "embedded", "direct_url"):
            if getattr(arguments, name, None) is not None:
                option = f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option} and --base or --history name two histories")
    if arguments.base is not None:
        return context.braid().prove(base=arguments.base, on_event=listen, stop=stop)
    if arguments.history is not None:
        from pgbraid.prove.history_file import parse_history

        text = context.read(arguments.history)
        versions = parse_history(text, arguments.history)
        return context.braid().prove(history=versions, on_event=listen, stop=stop)
    with context.both() as (braid, target):
        return braid.prove(target, on_event=listen, stop=stop)
