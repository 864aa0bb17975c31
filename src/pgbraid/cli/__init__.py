"""The command line: it parses the arguments, calls the library and prints the result."""

from __future__ import annotations

import sys

from pgbraid.cli.parser import COMMANDS, Command, find

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Command", "find", "main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done, or yes. 1: the answer is no. 2: wrong usage or settings. 3: a migration failed. 4: no
    connection, no lock, or the answer could not be written. 129, 130, 143: stopped by SIGHUP,
    Ctrl-C, SIGTERM.
    """
    try:
        from pgbraid.cli.run import (
            run_words,
        )  # imported here: Ctrl-C is caught during the import, too

        return run_words(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return 130
