"""Shows every version of the files and of the applied set, and where it stands.

States: applied, pending, gap (pending below an applied version), drifted (the file changed
after it was applied), missing file (applied, but no file here), adoptable (applied by another
tool, not yet in the set). Nothing is written and no lock is taken.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from pgbraid.cli.context import Context

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options: none."""


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    with context.both() as (braid, target):
        status = braid.status(target)
    return context.output.result(status, 0)
