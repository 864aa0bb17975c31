"""The command line: it parses the arguments, calls the library and prints the result."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done, or yes. 1: the answer is no. 2: wrong usage or settings. 3: a migration failed. 4: no
    connection, no lock, or the answer could not be written. 129, 130, 143: stopped by SIGHUP,
    Ctrl-C, SIGTERM.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words == ["--version"]:  # without the parser, which takes longer than Python's start
            from pgbraid._version import __version__

            print(f"pgbraid {__version__}")  # noqa: T201 - as the parser does
            return 0
        # Imported here: Ctrl-C is caught during the imports, too.
        from pgbraid.cli.quick import quick_answer

        code = quick_answer(words)
        if code is not None:
            return code
        from pgbraid.cli.run import run_words

        return run_words(words)
    except KeyboardInterrupt:
        return 130
