"""Runs one command line from words to exit code."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from contextlib import contextmanager

from pgbraid.cli.commands import find
from pgbraid.cli.parser import parse_arguments
from pgbraid.model.errors import (
    ConfigError,
    MigrationFailed,
    NotProven,
    PgbraidError,
    ProblemsFound,
    Stopped,
)

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from types import FrameType, TracebackType

    from pgbraid.cli.render import Output
    from pgbraid.model.options import StopToken

__all__ = ["exit_code", "run_words"]

_MISTAKE = 70
"""EX_SOFTWARE of sysexits.h."""


class _Terminated(KeyboardInterrupt):
    """A signal, handled as Ctrl-C is, so that nothing is left incomplete."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__()


class _Signals:
    """What was heard of the system, and the run that it is to stop.

    An exception may be lost that is raised where the driver calls back, for a notice; the run
    then finds that it was asked to stop.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.stop: StopToken | None = None

    def hear(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if self.stop is not None:
            self.stop.request()
        raise _Terminated(number)


def run_words(words: list[str]) -> int:
    """Parse and run one command line and return its exit code; user errors are printed.

    What prints is imported behind the parser, which answers --help and --version itself.
    """
    signals = _Signals()
    with _terminable(signals), _uncollected():
        try:
            arguments: Namespace | PgbraidError = parse_arguments(words)
        except PgbraidError as error:
            arguments = error
        output = _output(words)
        try:
            return _answer(arguments, output, signals)
        finally:
            output.close()


def _output(words: list[str]) -> Output:
    from pgbraid.cli.render import Output
    from pgbraid.settings.environment import terminal_can_redraw

    terminal = sys.stderr is not None and sys.stderr.isatty()
    output = Output(as_json="--json" in words, bar=terminal and terminal_can_redraw())
    chosen = find(words)
    output.command = chosen.name if chosen else ""
    return output


def _answer(arguments: Namespace | PgbraidError, output: Output, signals: _Signals) -> int:
    if isinstance(arguments, PgbraidError):
        return output.error(arguments, exit_code(arguments))
    from pgbraid.cli.context import Context

    try:
        output.verbose = getattr(arguments, "verbose", False)
        output.quiet = getattr(arguments, "quiet", False)
        context = Context(arguments, output)
        signals.stop = context.stop
        return context.call()
    except PgbraidError as error:
        if isinstance(error, Stopped) and signals.number is not None:
            return output.stopped(128 + signals.number)
        return output.error(error, exit_code(error))
    except KeyboardInterrupt as stop:
        return output.stopped(128 + getattr(stop, "signal", signal.SIGINT))
    except Exception as error:  # noqa: BLE001 - a mistake of ours: one document all the same
        import traceback

        traceback.print_exc()
        message = f"a mistake in pgbraid: {type(error).__name__}"
        hint = "Please report it with the lines above; run `pgbraid status` to see what stands."
        return output.error(PgbraidError(message, hint=hint), _MISTAKE)


def exit_code(error: PgbraidError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, (NotProven, ProblemsFound)):
        return 1
    if isinstance(error, ConfigError):
        return 2
    return 3 if isinstance(error, MigrationFailed) else 4


@contextmanager
def _uncollected() -> Iterator[None]:
    """Collect no garbage: values without cycles are all that is made, a fifth faster without."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def _terminable(signals: _Signals) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into a stop as long as the block lasts."""

    def quietly(lost: sys.UnraisableHookArgs) -> None:
        if not isinstance(lost.exc_value, _Terminated):
            unraisable(lost)

    def silently(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, _Terminated):
            uncaught(kind, error, trace)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    known = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        known = []  # a program that calls this in a thread of its own hears them itself
    # nohup has SIGHUP ignored; None is a handler that Python could not set again
    heard = [n for n in known if signal.getsignal(n) not in {signal.SIG_IGN, None}]
    before = [(number, signal.signal(number, signals.hear)) for number in heard]
    unraisable, sys.unraisablehook = sys.unraisablehook, quietly
    uncaught, sys.excepthook = sys.excepthook, silently  # a compiled driver prints by it
    try:
        yield
    finally:
        sys.unraisablehook, sys.excepthook = unraisable, uncaught
        for number, handler in before:
            signal.signal(number, handler)
