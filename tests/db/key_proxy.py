"""A proxy that gives each client one session, and tells it no key of the server's.

That is how managed services look: some tell a key of their own and pass a cancelling on (``own``),
some pass none on (``deaf``), some tell no key at all (``strip``). ``pass`` changes nothing.
"""

import itertools
import socket
import struct
import threading
from contextlib import contextmanager, suppress

from psycopg.conninfo import conninfo_to_dict, make_conninfo

CANCEL, NO_TLS = 80877102, {80877103, 80877104}


def _read(source, size):
    data = b""
    while len(data) < size:
        piece = source.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _pass(source, target):
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class KeyProxy:
    """Listens on a port of its own as long as its block lasts; ``ways`` are the modes above."""

    def __init__(self, place, way):
        self.place, self.way = place, way
        self.keys = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _server(self):
        if self.place["host"].startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{self.place['host']}/.s.PGSQL.{self.place['port']}")
            return server
        return socket.create_connection((self.place["host"], int(self.place["port"])))

    def _serve(self, client):
        with suppress(OSError), client:
            size, code = struct.unpack("!II", _read(client, 8))
            while code in NO_TLS:
                client.sendall(b"N")
                size, code = struct.unpack("!II", _read(client, 8))
            rest = _read(client, size - 8)
            with self._server() as server:
                if code == CANCEL:
                    if self.way != "deaf":
                        key = self.keys.get(rest, rest)
                        server.sendall(struct.pack("!II", 8 + len(key), code) + key)
                        server.recv(1)
                    return
                server.sendall(struct.pack("!II", size, code) + rest)
                passing = threading.Thread(target=_pass, args=(client, server), daemon=True)
                passing.start()
                self._begin(server, client)
                _pass(server, client)
                passing.join()

    def _begin(self, server, client):
        """Pass on what the server says until it is ready, with another key."""
        kind = b""
        while kind != b"Z":
            kind, size = struct.unpack("!cI", _read(server, 5))
            body = _read(server, size - 4)
            if kind == b"K" and self.way == "strip":
                continue
            if kind == b"K" and self.way != "pass":
                own = struct.pack("!II", 1_000_000_000 + len(self.keys), 7)
                self.keys[own] = body
                body = own
            client.sendall(struct.pack("!cI", kind, 4 + len(body)) + body)


@contextmanager
def key_proxy(database, way):
    """Run a proxy before a database; yield a connection string that leads through it."""
    place = conninfo_to_dict(database.conninfo)
    proxy = KeyProxy(place, way)
    user, name = place["user"], place["dbname"]
    try:
        yield make_conninfo(
            host="127.0.0.1", port=proxy.port, dbname=name, user=user, sslmode="disable"
        )
    finally:
        proxy.listener.close()


@contextmanager
def balanced(conninfos):
    """Lead each client to the next of several places; yield a connection string."""
    places = [conninfo_to_dict(conninfo) for conninfo in conninfos]
    turns = itertools.cycle((place["host"], int(place["port"])) for place in places)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client):
        with client, socket.create_connection(next(turns)) as server:
            back = threading.Thread(target=_pass, args=(server, client), daemon=True)
            back.start()
            _pass(client, server)
            back.join()

    def accept():
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield make_conninfo(conninfos[0], port=listener.getsockname()[1])
    finally:
        listener.close()
