"""Shows an out-of-order merge on an embedded PostgreSQL, in a temporary folder.

101, 102 and 104 are deployed, then 103 is merged. The demo shows how a counter-based tool and
pgbraid handle it, on a real server that is removed at the end. It uses neither --database nor
--dir.
"""

from __future__ import annotations

from pgbraid.settings import environment

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options: none."""


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    from pgbraid.cli.render.demo_text import demo_document, demo_lines  # only this command
    from pgbraid.demo import play  # imports the driver

    with environment.without_libpq_variables():
        demo = play(programs=environment.server_programs(), cache=environment.cache_dir())
    return context.output.lines(demo_lines(demo), 0, **demo_document(demo))
