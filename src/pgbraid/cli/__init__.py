"""The command line: a face of the library, which parses, calls and renders."""

from __future__ import annotations

import sys

from pgbraid.cli.commands import COMMANDS, Command, find

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Command", "find", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, or yes; 1 the answer is no; 2 usage or settings; 3 a migration failed; 4 no
    connection or no lock; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and SIGTERM.
    """
    try:
        from pgbraid.cli.run import run_words  # so that Ctrl-C is caught here too

        return run_words(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return 130
