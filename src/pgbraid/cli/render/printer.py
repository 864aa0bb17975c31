"""Writes lines to standard output and standard error, and the progress bar between them."""

from __future__ import annotations

import os
import sys

from pgbraid.cli.render import characters

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from pgbraid.model.events import Started

__all__ = ["Printer"]

_MEGABYTE = 1_000_000
_DEFAULT_COLUMNS = 80


class Printer:
    """The two streams of a command.

    A closed pipe or a full disk stops the printing, but never the run. ``unwritten`` is True after
    standard output failed for another reason than a closed pipe.
    """

    def __init__(self, *, form: str, bar: bool) -> None:
        self.as_json = form == "json"
        self._has_document = form in {"gitlab", "sarif"}
        self._is_workflow_log = form == "github"
        self.quiet = False
        self.unwritten = False
        self._has_bar = bar
        self._bar_shown = False
        self._failed_streams: list[TextIO] = []

    def print_result(self, lines: Iterable[str]) -> None:
        """Print lines on standard output, unless ``--json`` or ``--quiet`` is given.

        If standard output has the document of a report, print them on standard error.
        """
        if not self.as_json and not self.quiet:
            self._print(sys.stderr if self._has_document else sys.stdout, lines)

    def print_progress(self, lines: Iterable[str]) -> None:
        """Print lines on standard error, unless ``--json`` or ``--quiet`` is given."""
        if not self.as_json and not self.quiet:
            self.print_error(lines)

    def print_error(self, lines: Iterable[str]) -> None:
        """Print lines on standard error."""
        self._print(sys.stderr, lines)

    def _print(self, stream: TextIO | None, lines: Iterable[str]) -> None:
        """Print lines; on a workflow's log of GitHub without commands to its runner."""
        self.clear_bar()
        if self._is_workflow_log:
            from pgbraid.cli.render.reports.github import harmless

            lines = map(harmless, lines)
        for line in lines:
            self.write(stream, f"{line}\n")

    def show_migration(self, event: Started, sent: int = 0, note: str = "") -> None:
        """Show the progress of a migration; ``sent`` is in bytes."""
        if self.shows_bar:
            from pgbraid.cli.render.characters import bar_line

            size = event.step.migration.size
            done = (event.index - 1 + sent / max(size, 1)) / event.total
            share = f"{sent / _MEGABYTE:.0f} of {size / _MEGABYTE:.0f} MB" if sent else ""
            place, label = f"{event.index}/{event.total}", event.step.migration.label
            self._write_bar(bar_line(done, place, label, note or share, self._bar_columns()))

    def show_replay(self, number: int, order: str) -> None:
        """Show which order is being replayed."""
        from pgbraid.cli.render.characters import cut

        line = f"replay {number}: {characters.cell(order)}"
        self._write_bar(cut(line, self._bar_columns() - 1))

    @property
    def shows_bar(self) -> bool:
        """Whether progress is shown on a line that is written over."""
        return self._has_bar and not self.as_json and not self.quiet

    def _write_bar(self, line: str) -> None:
        self.write(sys.stderr, f"\r\x1b[K{line}")
        self._bar_shown = True

    def clear_bar(self) -> None:
        """Remove the progress bar from the terminal."""
        if self._bar_shown:
            self.write(sys.stderr, "\r\x1b[K")
            self._bar_shown = False

    def _bar_columns(self) -> int:
        return _columns_of(sys.stderr) or _DEFAULT_COLUMNS

    def columns(self) -> int | None:
        """Return the width of the terminal of standard output, or None if it is none."""
        return _columns_of(sys.stdout)

    def write(self, stream: TextIO | None, text: str) -> None:
        """Write a text; characters that the encoding of the stream lacks become escapes."""
        if stream is None or stream in self._failed_streams:
            return
        encoding = stream.encoding or "utf-8"
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except BrokenPipeError:
            self._failed_streams.append(stream)
        except OSError as error:
            self._failed_streams.append(stream)
            self.unwritten = self.unwritten or stream is sys.stdout
            self.write(sys.stderr, f"ERROR:  cannot write the answer: {error.strerror}\n")

    def close(self) -> None:
        """Redirect failed streams: the interpreter would report them again when it exits."""
        for stream in self._failed_streams:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _columns_of(stream: TextIO | None) -> int | None:
    """Return the width of a terminal in columns, or None if the stream is not a terminal."""
    if stream is None or not stream.isatty():
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    if columns:
        return columns
    import shutil  # for the variable COLUMNS: the terminal has no size

    return shutil.get_terminal_size().columns
