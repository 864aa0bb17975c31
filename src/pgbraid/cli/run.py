"""Runs one command line from words to exit code."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.cli.context import Context
from pgbraid.cli.parser import parse_arguments
from pgbraid.cli.render import Output
from pgbraid.errors import (
    ConfigError,
    MigrationFailed,
    PgbraidError,
    ProblemsFound,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["exit_code", "run_words"]

_INTERRUPTED = 128 + signal.SIGINT
_TERMINATED = 128 + signal.SIGTERM


class _Terminated(KeyboardInterrupt):
    """SIGTERM: handled as Ctrl-C is, so that nothing is left half done."""


def run_words(words: list[str]) -> int:
    """Parse and run one command line and return its exit code; user errors are printed."""
    output = Output(as_json="--json" in words)
    try:
        with _terminable():
            arguments = parse_arguments(words)
            output.command = arguments.command or ""
            output.verbose = getattr(arguments, "verbose", False)
            output.quiet = getattr(arguments, "quiet", False)
            return Context(arguments, output).call()
    except PgbraidError as error:
        return output.error(error, exit_code(error))
    except KeyboardInterrupt as stop:
        return output.stopped(_TERMINATED if isinstance(stop, _Terminated) else _INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def exit_code(error: PgbraidError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, ProblemsFound):
        return 1
    if isinstance(error, ConfigError):
        return 2
    return 3 if isinstance(error, MigrationFailed) else 4


@contextmanager
def _terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception as long as the block lasts."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
