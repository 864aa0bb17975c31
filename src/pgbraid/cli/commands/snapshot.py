"""Writes the schema of a database as stable text, to commit it and to read it in a review.

With --files it writes the schema that the files build on an empty scratch database. The text does
not depend on oids or on the order in which objects were created. With --check it compares the text
with that of a file: exit code 0 means the same; 1 means different, and it prints a diff.
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
        "--files", action="store_true", help="the schema that the files build, on a scratch server"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--output", metavar="FILE", help="write the text to a file")
    where.add_argument("--check", metavar="FILE", help="compare the text with this file")
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
        lines = [f"{arguments.check} matches the schema."] if same else diff
        return output.lines(lines, 0 if same else 1, same=same, diff="\n".join(diff))
    if arguments.output is not None:
        context.write(arguments.output, text)
        return output.lines([f"{arguments.output} written."], 0, file=arguments.output)
    return output.lines(text.splitlines(), 0, snapshot=text)


def _snapshot(context: Context) -> Snapshot:
    only, stop = context.arguments.only_schema, context.stop
    if context.arguments.files:
        return context.migrator().snapshot(only_schemas=only, stop=stop)
    with context.project_and_database() as (migrator, target):
        return migrator.snapshot(target, only_schemas=only, stop=stop)
