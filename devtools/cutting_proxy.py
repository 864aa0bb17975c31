"""A proxy that cuts connections: before a message of the protocol, or within one."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from devtools.database import Database

__all__ = ["Cutter", "Moment"]

_HOST = "127.0.0.1"
_CHUNK = 1 << 16
_LENGTH = struct.Struct("!I")
_ABORT = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Moment:
    """What the proxy is about to pass on; numbers count from 1.

    ``message`` counts the messages of all connections, both ways; ``sent`` the bytes that this
    connection has passed before.
    """

    connection: int
    message: int
    sent: int
    size: int


@dataclass(slots=True)
class Cutter:
    """Listens on a port of its own and passes on what comes, until it cuts.

    ``keep`` is asked at each message how many of its bytes to pass on before cutting, None for
    all and no cut. ``abort`` cuts by a reset, as a dead host's network does; else it is an end.
    """

    database: Database
    keep: Callable[[Moment], int | None] = lambda _: None
    abort: bool = False
    cuts: int = 0
    messages: int = 0
    connections: int = 0
    _listener: socket.socket = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Begin to listen."""
        self._listener = socket.create_server((_HOST, 0), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def conninfo(self) -> str:
        """The database as it is reached through the proxy."""
        port = self._listener.getsockname()[1]
        return make_conninfo(self.database.conninfo, host=_HOST, port=port)

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        where = conninfo_to_dict(self.database.conninfo)
        path = f"{where['host']}/.s.PGSQL.{where['port']}"
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(path)
            except OSError:
                client.close()
                continue
            self.connections += 1
            link = _Link(self, self.connections, client, server)
            for source, target, opening in ((client, server, True), (server, client, False)):
                arguments = (source, target, opening)
                threading.Thread(target=link.pump, args=arguments, daemon=True).start()

    def decide(self, connection: int, sent: int, size: int) -> int | None:
        """Count a message and return how much of it to keep before a cut, None for no cut."""
        with self._lock:
            self.messages += 1
            kept = self.keep(Moment(connection, self.messages, sent, size))
            self.cuts += kept is not None
            return kept


@dataclass(slots=True)
class _Link:
    """One connection through the proxy."""

    cutter: Cutter
    number: int
    client: socket.socket
    server: socket.socket
    sent: int = 0
    cut: bool = False

    def pump(self, source: socket.socket, target: socket.socket, opening: bool) -> None:  # noqa: FBT001
        """Pass messages on one way."""
        with suppress(OSError):
            for message in _messages(source, opening=opening):
                if self.cut:
                    return
                kept = self.cutter.decide(self.number, self.sent, len(message))
                if kept is not None:
                    self.cut = True
                    target.sendall(message[:kept])
                    break
                self.sent += len(message)
                target.sendall(message)
        self._end()

    def _end(self) -> None:
        for side in (self.client, self.server):
            with suppress(OSError):
                if self.cut and self.cutter.abort and side is self.client:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                    side.shutdown(socket.SHUT_RD)
                else:
                    side.shutdown(socket.SHUT_RDWR)
            side.close()


def _messages(source: socket.socket, *, opening: bool) -> Iterator[bytes]:
    """Yield the protocol's messages; a client's first one has no letter before its length."""
    held = b""
    while piece := source.recv(_CHUNK):
        held += piece
        while True:
            letter = 0 if opening else 1
            if len(held) < letter + _LENGTH.size:
                break
            size = letter + int(_LENGTH.unpack_from(held, letter)[0])
            if len(held) < size:
                break
            yield held[:size]
            held, opening = held[size:], False
