"""Reads the sizes and the traffic of the tables of production, for `pgbraid lint`.

It only sends SELECT, locks no table and waits for no other session; a role with CONNECT is enough.
The sizes come from the statistics of the server, so they are estimates. The file of --output has
names and numbers only, and is meant to be committed.
"""

from __future__ import annotations

from pgbraid.model.errors import ServerError
from pgbraid.model.migration import LedgerTable

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context
    from pgbraid.model.hazards.sizes import Sizes, Workload

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "--output", metavar="FILE", help="write the sizes to a file, such as pgbraid.sizes.json"
    )
    parser.add_argument(
        "--queries",
        metavar="FILE",
        dest="queries_file",
        help="write the most frequent statements, from pg_stat_statements, to a file of SQL",
    )


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.cli.render.sizes_json import sizes_document
    from pgbraid.cli.render.sizes_text import sizes_lines

    arguments, output = context.arguments, context.output
    sizes, workload = _read(context)
    lines = [*sizes_lines(sizes, output.columns)]
    if arguments.output is not None:
        from pgbraid.hazards.sizes_file import format_sizes

        context.write(arguments.output, format_sizes(sizes))
        lines.append(f"{arguments.output} written.")
    if workload is not None:
        from pgbraid.hazards.workload import format_workload

        context.write(arguments.queries_file, format_workload(workload.queries))
        lines.append(f"{arguments.queries_file} written: {len(workload.queries)} statements.")
    members = sizes_document(sizes, workload, arguments.output, arguments.queries_file)
    return output.lines(lines, 0, **members)


def _read(context: Context) -> tuple[Sizes, Workload | None]:
    """Return the sizes, and the statements if their file is named. Raises ServerError without."""
    from pgbraid.migrate.production import production_sizes, sizes_and_queries
    from pgbraid.postgres.statistics.frequent_statements import MOST_STATEMENTS

    settings = context.settings
    ledger = LedgerTable(settings.schema, settings.table)
    with context.database(settings) as target:
        if context.arguments.queries_file is None:
            return production_sizes(target, ledger, context.stop), None
        sizes, workload = sizes_and_queries(target, ledger, context.stop, MOST_STATEMENTS)
    if workload.unreadable is not None:
        raise ServerError(
            f"cannot read the statements of {target.label}: {workload.unreadable}",
            hint="Run `CREATE EXTENSION pg_stat_statements` there, grant the role "
            "pg_read_all_stats, or leave out --queries: `pgbraid sizes`.",
        )
    return sizes, workload
