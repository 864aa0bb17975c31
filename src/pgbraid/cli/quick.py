"""Answers ``up``, ``check``, ``status`` and ``wait`` without the driver, if there is nothing to do.

This answers only if the applied versions are exactly those of the files, unchanged, and nothing
else is to be said. In every other case ``quick_answer`` returns None without a trace, and the
command runs as if it had not been called. So no rule and no message exists twice, but for the
condition that there is nothing to do, which both ways share (``is_unchanged``).
"""

from __future__ import annotations

import os
import re
import sys
import time

from pgbraid.settings import defaults, environment

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.postgres.connection_string import ConnectionString
    from pgbraid.postgres.libpq import Libpq
    from pgbraid.source.candidates import PlainFile

__all__ = ["quick_answer", "read_applied_query"]

_COMMANDS = frozenset({"up", "check", "status", "wait"})
_VALUED = frozenset({"--database", "--dir", "--schema", "--table", "--config"})
_QUIET = frozenset({"-q", "--quiet"})
_FLAGS = {"check": frozenset({"--allow-newer"}), "wait": frozenset({"--exact"})}
"""Options of a command that make no difference if the applied versions are those of the files."""
_PLAIN_NAME = r"[a-z_][a-z0-9_]{0,50}"
"""Names of tables that need no quotes, and leave room for the suffix of the journal."""
_BIGINT = 20
"""The oid of the type of versions."""


class _Call:
    """A command line that may be answered here."""

    __slots__ = ("command", "options", "quiet", "started")

    def __init__(self, command: str, options: dict[str, str], *, quiet: bool) -> None:
        self.command = command
        self.options = options
        self.quiet = quiet
        self.started = time.monotonic()


class _Place:
    """The folder and the ledger, by the settings."""

    __slots__ = ("folder", "links", "role", "schema", "table")

    def __init__(
        self, folder: str, schema: str, table: str, links: tuple[str, ...], role: str | None
    ) -> None:
        self.folder = folder
        self.schema = schema
        self.table = table
        self.links = links
        self.role = role


class _AppliedRow:
    """A row of the applied set."""

    __slots__ = ("applied_at", "checksum", "name", "version")

    def __init__(self, row: tuple[bytes | None, ...]) -> None:
        version, name, checksum, applied_at = (v.decode() if v is not None else None for v in row)
        self.version = int(version or "")
        self.name = name
        self.checksum = checksum
        self.applied_at = applied_at


class _Terminated(KeyboardInterrupt):
    """A signal, raised like Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__()


class _Signals:
    """Turns SIGTERM and SIGHUP into a stop until the block ends, as the usual way does.

    The first process of a container would otherwise ignore them while it waits for the server.
    """

    # Not made with contextlib: a run with nothing to do imports this module.
    def __enter__(self) -> None:
        import signal

        self._handled: list[int] = []
        try:
            for name in ("SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, self._on_signal)
                    self._handled.append(number)
        except ValueError:  # Python handles signals only in the main thread
            return

    def __exit__(self, *_: object) -> None:
        import signal

        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)

    @staticmethod
    def _on_signal(number: int, _frame: object) -> None:
        raise _Terminated(number)


def quick_answer(words: list[str]) -> int | None:
    """Answer a command line and return its exit code, or None if it is to be run as usual."""
    call = _recognised(words)
    if call is None or sys.stdout is None or sys.stderr is None or environment.driver_library():
        return None
    place = _place(call.options)
    url = call.options.get("--database") or environment.database_url()
    if place is None or url is None or environment.direct_url() is not None:
        return None
    with _Signals():
        try:
            return _from_database(call, place, url)
        except KeyboardInterrupt as stop:
            return _stopped(call, stop)


def _from_database(call: _Call, place: _Place, url: str) -> int | None:
    from pgbraid.postgres.libpq import find_libpq

    libpq = find_libpq()
    connection = _connection(url, libpq, place.role) if libpq else None
    if libpq is None or connection is None:
        return None
    rows = _applied(libpq, connection, place, times=call.command == "status")
    files = _files(place, rows) if rows else None
    if not rows or files is None:
        return None
    return _answer(call, connection, rows, files)


def _recognised(words: list[str]) -> _Call | None:
    """Return the call of a command line that has only options known here."""
    command = ""
    options: dict[str, str] = {}
    quiet = False
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word in _COMMANDS and not command:
            command = word
        elif word in _QUIET:
            quiet = True
        elif name in _VALUED:
            value = value if equals else next(rest, "")
            if not value or value.startswith("-"):
                return None
            options[name] = value
        elif word not in _FLAGS.get(command, ()):  # they stand after the command
            return None
    return _Call(command, options, quiet=quiet) if command else None


def _place(options: dict[str, str]) -> _Place | None:
    """Return the settings if they are plain; a settings file is read by its own module."""
    given = {name.removeprefix("--"): value for name, value in options.items()}
    given.pop("database", None)
    config = given.pop("config", None)
    if config is None and not _has_settings_file():
        place = _Place(
            given.get("dir", defaults.FOLDER),
            given.get("schema", defaults.SCHEMA),
            given.get("table", defaults.TABLE),
            (),
            None,
        )
    else:
        from pgbraid.model.errors import ConfigError
        from pgbraid.settings.settings_file import find_settings

        try:
            settings = find_settings(config).override(**given)
        except ConfigError:
            return None
        if (
            settings.passed_over
            or settings.verify != "error"
            or settings.direct_url is not None
            or settings.session_pooler
        ):
            return None
        place = _Place(settings.dir, settings.schema, settings.table, settings.links, settings.role)
    plain = all(re.fullmatch(_PLAIN_NAME, name) for name in (place.schema, place.table))
    return place if plain else None


def _has_settings_file() -> bool:
    """Whether a file that may hold settings is in the current folder or above it."""
    try:
        folder = os.path.realpath(os.getcwd())
    except OSError:
        return True
    while True:
        if any(os.path.lexists(os.path.join(folder, name)) for name in defaults.SETTINGS_FILES):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


def _connection(url: str, libpq: Libpq, role: str | None) -> ConnectionString | None:
    from pgbraid.model.errors import ConfigError
    from pgbraid.postgres.connection_string import read_connection_string

    try:
        connection = read_connection_string(url, libpq, role)
    except ConfigError:
        return None
    return connection if libpq.connects_alike(connection.parameters) else None


def _applied(
    libpq: Libpq, connection: ConnectionString, place: _Place, *, times: bool
) -> list[_AppliedRow] | None:
    """Return the applied set, or None if anything is odd about the ledger."""
    query = read_applied_query(place.schema, place.table, times=times)
    answer = libpq.ask(connection.parameters, query)
    if answer is None or len(answer) != 3:  # noqa: PLR2004 - the statements of the query
        return None
    facts, applied, doubtful = answer
    if doubtful.rows or applied.types[0] != _BIGINT:
        return None
    if place.role is not None and facts.rows[0][2] != place.role.encode():
        return None
    try:
        return [_AppliedRow(row) for row in applied.rows]
    except ValueError:
        return None


def read_applied_query(schema: str, table: str, *, times: bool) -> str:
    """Return the query of a run that has nothing to do, for names that need no quotes."""
    from pgbraid.postgres.statement_texts import statement_text

    journal = f"{table}_journal"
    text = statement_text("ledger", "read_applied").format(
        ledger=f'"{schema}"."{table}"', journal=f'"{schema}"."{journal}"'
    )
    literals = {"schema": f"'{schema}'", "table": f"'{table}'", "journal": f"'{journal}'"}
    return text % {**literals, "times": "true" if times else "false", "trusted": "false"}


def _files(place: _Place, rows: list[_AppliedRow]) -> list[PlainFile] | None:
    """Return the files if they are exactly those of the rows, and nothing is odd about them."""
    from pgbraid.migrate.planning.unchanged import is_unchanged
    from pgbraid.source.candidates import read_plain_files
    from pgbraid.source.filenames import same_migration_name

    files = read_plain_files(place.folder, place.links)
    if files is None or not is_unchanged(rows, files):
        return None
    same = all(
        not row.name or same_migration_name(row.name, file.version, file.name)
        for row, file in zip(rows, files, strict=True)
    )
    return files if same else None


def _stopped(call: _Call, stop: KeyboardInterrupt) -> int:
    from pgbraid.cli.render import Output

    output = Output()
    output.command = call.command
    try:
        return output.stopped(128 + getattr(stop, "signal", 2))
    finally:
        output.close()


def _answer(
    call: _Call, connection: ConnectionString, rows: list[_AppliedRow], files: list[PlainFile]
) -> int:
    from pgbraid.cli import connection_warnings
    from pgbraid.cli.render import Output

    output = Output()
    output.command = call.command
    output.quiet = call.quiet
    try:
        connection_warnings.shown_password(output, call.options.get("--database"))
        connection_warnings.unverified_server(output, connection.tls_warning)
        return output.lines(_lines(call, rows, files, output.columns), 0)
    finally:
        output.close()


def _lines(
    call: _Call, rows: list[_AppliedRow], files: list[PlainFile], columns: int | None
) -> Iterator[str]:
    """Return the lines of the answer, which is yes."""
    from pgbraid.cli.render import state_text as text

    if call.command == "up":
        return iter((text.nothing_to_do(len(rows)),))
    if call.command == "check":
        unverified = sum(row.checksum is None for row in rows)
        return iter((text.all_applied(len(rows), unverified=unverified),))
    if call.command == "wait":
        from datetime import timedelta

        waited = timedelta(seconds=time.monotonic() - call.started)
        return iter((text.ready(len(rows), waited),))
    from pgbraid.model.units import utc_time

    table = [
        (row.version, file.name, "applied", utc_time(row.applied_at))
        for row, file in zip(rows, files, strict=True)
    ]
    return text.status_table(table, [(len(table), "applied")], columns)
