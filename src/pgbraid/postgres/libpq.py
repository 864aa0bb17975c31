"""Asks a server one thing through libpq without the driver, whose import takes ten times as long.

``Libpq`` never explains a failure. It returns None for each surprise: no libpq, no connection, an
error, a notice, a slow server. The caller then starts again with the driver, so every message and
every rule of a connection exists once.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time
from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_uint, c_void_p
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

__all__ = ["Libpq", "Rows", "find_libpq"]

_STEP_LIMIT, _LIMIT = 1.0, 10.0
"""Seconds for each answer of the server, and for all. Then the driver connects, with its limits."""
_READING, _WRITING, _CONNECTED = 1, 2, 3
"""The results of PQconnectPoll."""
_TUPLES_OK = 2
_SYSTEMS = {"linux": "libpq.so.5", "darwin": "libpq.5.dylib"}
_GOODBYE = 0.5
"""Seconds to wait until the server has ended a session that is given up."""


class Rows:
    """The rows of one statement as bytes, None for NULL, and the types of its columns."""

    __slots__ = ("rows", "types")

    def __init__(self, types: tuple[int, ...], rows: list[tuple[bytes | None, ...]]) -> None:
        self.types = types
        self.rows = rows


class _Option(Structure):
    """PQconninfoOption, as libpq-fe.h declares it."""

    _fields_ = (
        ("keyword", c_char_p),
        ("envvar", c_char_p),
        ("compiled", c_char_p),
        ("val", c_char_p),
        ("label", c_char_p),
        ("dispchar", c_char_p),
        ("dispsize", c_int),
    )


_NOTICE = CFUNCTYPE(None, c_void_p, c_char_p)
_SIGNATURES = (
    ("PQlibVersion", c_int, ()),
    ("PQconninfoParse", POINTER(_Option), (c_char_p, POINTER(c_void_p))),
    ("PQconndefaults", POINTER(_Option), ()),
    ("PQconninfoFree", None, (POINTER(_Option),)),
    ("PQfreemem", None, (c_void_p,)),
    ("PQconnectStartParams", c_void_p, (POINTER(c_char_p), POINTER(c_char_p), c_int)),
    ("PQconnectPoll", c_int, (c_void_p,)),
    ("PQsocket", c_int, (c_void_p,)),
    ("PQsetNoticeProcessor", c_void_p, (c_void_p, _NOTICE, c_void_p)),
    ("PQsendQuery", c_int, (c_void_p, c_char_p)),
    ("PQflush", c_int, (c_void_p,)),
    ("PQconsumeInput", c_int, (c_void_p,)),
    ("PQisBusy", c_int, (c_void_p,)),
    ("PQgetResult", c_void_p, (c_void_p,)),
    ("PQresultStatus", c_int, (c_void_p,)),
    ("PQntuples", c_int, (c_void_p,)),
    ("PQnfields", c_int, (c_void_p,)),
    ("PQftype", c_uint, (c_void_p, c_int)),
    ("PQgetvalue", c_char_p, (c_void_p, c_int, c_int)),
    ("PQgetisnull", c_int, (c_void_p, c_int, c_int)),
    ("PQclear", None, (c_void_p,)),
    ("PQfinish", None, (c_void_p,)),
)


def _is_number(text: str) -> bool:
    try:
        int(float(text))
    except (ValueError, OverflowError):
        return False
    return True


def find_libpq() -> Libpq | None:
    """Return the libpq that the driver would use, or None if that is not certain."""
    # Python cannot wait for a socket of Windows with `os.read`.
    if sys.platform == "win32" or PathFinder.find_spec("psycopg_c") is not None:
        return None
    try:
        library = CDLL(_packaged() or _SYSTEMS[sys.platform])
        for name, result, arguments in _SIGNATURES:
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, KeyError, AttributeError):
        return None
    return Libpq(library)


def _packaged() -> str | None:
    """Return the path of the libpq that the package psycopg-binary brings."""
    spec = PathFinder.find_spec("psycopg_binary")
    if spec is None or spec.origin is None:
        return None
    package = os.path.dirname(spec.origin)
    for folder in (f"{package}.libs", os.path.join(package, ".dylibs")):
        if os.path.isdir(folder):
            names = sorted(name for name in os.listdir(folder) if name.startswith("libpq"))
            return os.path.join(folder, names[0]) if names else None
    return None


class Libpq:
    """The functions of libpq, those for connection strings and one to run a query."""

    def __init__(self, library: CDLL) -> None:
        self._library = library

    def parse(self, conninfo: str) -> dict[str, str]:
        """Return the parameters of a connection string. Raises ValueError."""
        message = c_void_p()
        options = self._library.PQconninfoParse(conninfo.encode(), byref(message))
        if not options:
            self._library.PQfreemem(message)
            raise ValueError
        # As the driver does: a value that is not UTF-8 is a ValueError here, not in the defaults.
        return {name: value.decode() for name, value in self._options(options)}

    def defaults(self) -> dict[str, str]:
        """Return the values of parameters not given: of the environment, or compiled in."""
        options = self._library.PQconndefaults()
        given = self._options(options) if options else ()
        return {name: value.decode(errors="replace") for name, value in given if value}

    def version(self) -> int:
        """Return the version, such as 180001."""
        version: int = self._library.PQlibVersion()
        return version

    def _options(self, options: Any) -> Iterator[tuple[str, bytes]]:  # noqa: ANN401 - a pointer
        try:
            index = 0
            while keyword := options[index].keyword:
                if (value := options[index].val) is not None:
                    yield keyword.decode(), value
                index += 1
        finally:
            self._library.PQconninfoFree(options)

    def connects_alike(self, parameters: Mapping[str, str]) -> bool:
        """Whether ``ask`` connects as the driver does, and prints nothing while it does.

        Here libpq takes an empty value for one that is not given, so the environment or a service
        could name another database. It does not check the time limit, and it prints warnings about
        a password file, and what to do for OAuth, at each attempt.
        """
        defaults = self.defaults()
        given = {name: value for name, value in parameters.items() if value is not None}
        everything = {**defaults, **given}
        empty = {name for name, value in given.items() if not value}
        if empty and (everything.get("service") or not empty.isdisjoint(defaults)):
            return False
        if not _is_number(given.get("connect_timeout", "0")):
            return False
        if any(name.startswith("oauth_") and value for name, value in given.items()):
            return False
        if everything.get("password"):
            return True
        file = everything.get("passfile") or os.path.expanduser("~/.pgpass")
        try:
            mode = os.stat(file).st_mode
        except (OSError, ValueError):
            return True
        return stat.S_ISREG(mode) and not mode & (stat.S_IRWXG | stat.S_IRWXO)

    def ask(self, parameters: Mapping[str, str], query: str) -> list[Rows] | None:
        """Return the rows of each statement of a query, or None after any surprise."""
        names = [name.encode() for name, value in parameters.items() if value is not None]
        values = [str(value).encode() for value in parameters.values() if value is not None]
        texts = c_char_p * (len(names) + 1)
        conn = self._library.PQconnectStartParams(texts(*names, None), texts(*values, None), 0)
        if not conn:
            return None
        notices: list[bytes] = []
        # The name keeps the function alive as long as libpq may call it.
        on_notice = _NOTICE(lambda _, text: notices.append(text))
        self._library.PQsetNoticeProcessor(conn, on_notice, None)
        answer = None
        try:
            deadline = time.monotonic() + _LIMIT
            if self._connected(conn, deadline):
                answer = self._rows(conn, query, deadline)
        except (OSError, ValueError):  # select, on a descriptor that is closed or too high
            answer = None
        finally:
            self._finish(conn, wait=answer is None or bool(notices))
        return None if notices else answer

    def _connected(self, conn: int, deadline: float) -> bool:
        state = _WRITING
        while state in {_READING, _WRITING}:
            if not self._wait(conn, deadline, write=state == _WRITING):
                return False
            state = self._library.PQconnectPoll(conn)
        return bool(state == _CONNECTED)

    def _rows(self, conn: int, query: str, deadline: float) -> list[Rows] | None:
        if not self._library.PQsendQuery(conn, query.encode()):
            return None
        answer: list[Rows] = []
        while True:
            while self._library.PQisBusy(conn):
                ready = self._wait(conn, deadline, write=self._library.PQflush(conn) == 1)
                if not ready or not self._library.PQconsumeInput(conn):
                    return None
            result = self._library.PQgetResult(conn)
            if not result:
                return answer
            try:
                if self._library.PQresultStatus(result) != _TUPLES_OK:
                    return None
                answer.append(self._tuples(result))
            finally:
                self._library.PQclear(result)

    def _tuples(self, result: int) -> Rows:
        get, is_null = self._library.PQgetvalue, self._library.PQgetisnull
        columns = range(self._library.PQnfields(result))
        types = tuple(self._library.PQftype(result, column) for column in columns)
        rows = [
            tuple(
                get(result, row, column) or (None if is_null(result, row, column) else b"")
                for column in columns
            )
            for row in range(self._library.PQntuples(result))
        ]
        return Rows(types, rows)

    def _wait(self, conn: int, deadline: float, *, write: bool) -> bool:
        socket = [self._library.PQsocket(conn)]
        limit = min(deadline - time.monotonic(), _STEP_LIMIT)
        if limit <= 0:
            return False
        readable, writable, _ = select.select(socket, socket if write else [], [], limit)
        return bool(readable or writable)

    def _finish(self, conn: int, *, wait: bool) -> None:
        """Close the connection; if another one follows, wait until the server has ended this one.

        Otherwise a role with a connection limit of 1 could be refused the other one.
        """
        socket = self._library.PQsocket(conn)
        try:
            copy = os.dup(socket) if wait and socket >= 0 else None
        except OSError:  # no free descriptor
            copy = None
        self._library.PQfinish(conn)
        if copy is None:
            return
        try:
            deadline = time.monotonic() + _GOODBYE
            while (left := deadline - time.monotonic()) > 0:
                if select.select([copy], [], [], left)[0] and not os.read(copy, 1 << 16):
                    break
        except (OSError, ValueError):
            pass
        finally:
            os.close(copy)
