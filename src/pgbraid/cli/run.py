"""Runs one command line and turns its result into an exit code."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from contextlib import contextmanager
from itertools import pairwise

from pgbraid.cli.parser import FORMATS, find, parse_arguments
from pgbraid.model.errors import (
    ConfigError,
    HazardsRefused,
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

_BUG = 70
"""EX_SOFTWARE of sysexits.h."""


class _Terminated(KeyboardInterrupt):
    """A signal, raised like Ctrl-C so that every block on the stack cleans up."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__()


class _Signals:
    """The received signal, and the stop token of the run.

    The token is needed beside the exception: an exception raised in a callback of the driver, such
    as a notice handler, can be lost. The run then stops at its next look at the token.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.stop: StopToken | None = None

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if self.stop is not None:
            self.stop.request()
        raise _Terminated(number)


def run_words(words: list[str]) -> int:
    """Run one command line, print its result or error, and return its exit code.

    The renderer is imported after parsing: the parser itself answers --help and --version.
    """
    signals = _Signals()
    with _signals_handled(signals), _gc_disabled():
        try:
            arguments: Namespace | PgbraidError = parse_arguments(words)
        except PgbraidError as error:
            arguments = error
        output = _output(words, arguments)
        try:
            return _run(arguments, output, signals)
        finally:
            output.close()


def _output(words: list[str], arguments: Namespace | PgbraidError) -> Output:
    from pgbraid.cli.render import Output
    from pgbraid.settings.environment import terminal_can_redraw

    terminal = sys.stderr is not None and sys.stderr.isatty()
    output = Output(form=_form(words), bar=terminal and terminal_can_redraw())
    if isinstance(arguments, PgbraidError):
        chosen = find(words)
        output.command = chosen.name if chosen else ""
    else:
        output.command = arguments.command or ""
    return output


def _form(words: list[str]) -> str:
    """Return the output format that a command line names, even if it is wrong otherwise."""
    if "--json" in words:
        return "json"
    chosen = find(words)
    if chosen is None or chosen.name not in {"check", "lint"}:
        return "text"
    split = [part for word in words for part in _option_and_value(word)]
    named = [word for option, word in pairwise(split) if option == "--format" and word in FORMATS]
    return named[-1] if named else "text"


def _option_and_value(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith("--format=") else [word]


def _run(arguments: Namespace | PgbraidError, output: Output, signals: _Signals) -> int:
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
    except Exception as error:  # noqa: BLE001 - a bug: --json prints its document anyway
        import traceback

        traceback.print_exc()
        message = f"internal error: {type(error).__name__}"
        hint = (
            "Report it with the lines above; run `pgbraid status` to see the state of the versions."
        )
        return output.error(PgbraidError(message, hint=hint), _BUG)


def exit_code(error: PgbraidError) -> int:
    """Return the exit code of an error."""
    if isinstance(error, (HazardsRefused, NotProven, ProblemsFound)):
        return 1
    if isinstance(error, ConfigError):
        return 2
    return 3 if isinstance(error, MigrationFailed) else 4


@contextmanager
def _gc_disabled() -> Iterator[None]:
    """Disable the garbage collector: pgbraid makes no cycles, and it costs a fifth of a run."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextmanager
def _signals_handled(signals: _Signals) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into a stop until the block ends."""

    def on_unraisable(lost: sys.UnraisableHookArgs) -> None:
        if not isinstance(lost.exc_value, _Terminated):
            unraisable(lost)

    def on_uncaught(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, _Terminated):
            uncaught(kind, error, trace)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # Python handles signals only in the main thread
    # nohup ignores SIGHUP: respect it. None is a handler that Python cannot restore afterwards.
    handled = [n for n in numbers if signal.getsignal(n) not in {signal.SIG_IGN, None}]
    before = [(number, signal.signal(number, signals.on_signal)) for number in handled]
    # the driver's C code reports an exception of its callbacks through these hooks: no traceback
    unraisable, sys.unraisablehook = sys.unraisablehook, on_unraisable
    uncaught, sys.excepthook = sys.excepthook, on_uncaught
    try:
        yield
    finally:
        sys.unraisablehook, sys.excepthook = unraisable, uncaught
        for number, handler in before:
            signal.signal(number, handler)
