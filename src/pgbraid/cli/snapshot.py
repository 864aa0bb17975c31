"""Writes everything a schema is as stable text, to be committed and read in a review.

Of the database, or with --files of what the files build on a fresh one, on a scratch server. The
text depends on neither oids nor the order of creation. With --check the text of a file is
compared: exit code 0 where it is the same, 1 and a diff where it is not.
"""

from __future__ import annotations

from pgbraid.cli.parser import add_only_schema, add_scratch

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context
    from pgbraid.model.snapshot import Snapshot

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--files", action="store_true", help="of what the files build, on a scratch server"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--output", metavar="FILE", help="write it to a file")
    where.add_argument("--check", metavar="FILE", help="compare it with a file's")
    add_only_schema(parser)
    add_scratch(parser)


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.prove.comparison.snapshot_text import diff_snapshot_texts, format_snapshot

    arguments, output = context.arguments, context.output
    text = format_snapshot(_snapshot(context))
    if arguments.check is not None:
        diff = diff_snapshot_texts(context.read(arguments.check), text, arguments.check)
        same = not diff
        said = [f"{arguments.check} is the schema."] if same else diff
        return output.lines(said, 0 if same else 1, same=same, diff="\n".join(diff))
    if arguments.output is not None:
        context.write(arguments.output, text)
        return output.lines([f"{arguments.output} written."], 0, file=arguments.output)
    return output.lines(text.splitlines(), 0, snapshot=text)


def _snapshot(context: Context) -> Snapshot:
    only, stop = context.arguments.only_schema, context.stop
    if context.arguments.files:
        return context.braid().snapshot(only_schemas=only, stop=stop)
    with context.both() as (braid, target):
        return braid.snapshot(target, only_schemas=only, stop=stop)
