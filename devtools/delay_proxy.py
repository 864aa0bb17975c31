"""A proxy before the server: counts round trips, and puts the server further away.

A round trip is counted when the client sends after the server was the last to send. It runs in
a process of its own, in threads: an event loop would round each delay up to a millisecond.
"""

from __future__ import annotations

import argparse
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devtools.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Proxy", "proxied"]

_HOST = "127.0.0.1"
_CHUNK = 1 << 18
_PATIENCE = 10.0
_TERMINATE = b"X\0\0\0\4"
_SLEEPS = 10
_HANDING_OVER = 0.00005
"""Seconds that a piece needs from one thread to the other."""


@dataclass(slots=True)
class Proxy:
    """Where a running proxy listens; once it has ended, what it counted."""

    port: int
    trips: int = 0
    connections: int = 0


@contextmanager
def proxied(server_port: int, delay_ms: float) -> Iterator[Proxy]:
    """Run a proxy as long as the block lasts; each round trip takes ``delay_ms`` longer."""
    words = [sys.executable, "-m", "devtools.delay_proxy", str(server_port), str(delay_ms)]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None, "a pipe was asked for"  # noqa: S101
        assert process.stdout is not None, "a pipe was asked for"  # noqa: S101
        proxy = Proxy(int(process.stdout.readline()))
        try:
            yield proxy
        finally:
            process.stdin.close()
            told = json.loads(process.stdout.read())
            proxy.trips, proxy.connections = told["trips"], told["connections"]


@dataclass(slots=True)
class _Counter:
    """Whose turn it is on one connection."""

    trips: int = 0
    server_was_last: bool = True
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client_sends(self, data: bytes) -> None:
        """Count a turn, but for the farewell: no answer is awaited."""
        if data != _TERMINATE:
            with self.lock:
                self.trips += self.server_was_last
                self.server_was_last = False

    def server_sends(self, data: bytes) -> None:
        """Pass the turn to the client."""
        del data
        with self.lock:
            self.server_was_last = True


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("delay", type=float)
    arguments = parser.parse_args()
    counters: list[_Counter] = []
    listener = socket.create_server((_HOST, 0), backlog=128)
    _start(_accept, listener, arguments.port, _calibrated(arguments.delay / 2000), counters)
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
    trips = [counter.trips for counter in counters]
    print(json.dumps({"trips": sum(trips), "connections": len(trips), "each": trips}), flush=True)


def _calibrated(delay: float) -> float:
    """Return what to ask for, so that a piece is late by ``delay``: sleeps last too long."""
    if not delay:
        return 0.0
    start = time.perf_counter()
    for _ in range(_SLEEPS):
        time.sleep(delay)
    overshoot = (time.perf_counter() - start) / _SLEEPS - delay
    return max(0.0, delay - overshoot - _HANDING_OVER)


def _accept(listener: socket.socket, port: int, delay: float, counters: list[_Counter]) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((_HOST, port), _PATIENCE)
        server.settimeout(None)
        counter = _Counter()
        counters.append(counter)
        for source, target, note in (
            (client, server, counter.client_sends),
            (server, client, counter.server_sends),
        ):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _start(_pump, source, target, note, delay)


def _start(function: Callable[..., object], *arguments: object) -> None:
    threading.Thread(target=function, args=arguments, daemon=True).start()


def _pump(
    source: socket.socket, target: socket.socket, note: Callable[[bytes], None], delay: float
) -> None:
    """Pass on what comes, each piece after the delay, however many are on their way."""
    if not delay:
        _pass_on(source, target, note)
        return
    pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    _start(_deliver, pieces, target)
    data = b"begin"
    while data:
        data = _receive(source)
        if data:
            note(data)
        pieces.put((time.perf_counter() + delay, data))


def _pass_on(source: socket.socket, target: socket.socket, note: Callable[[bytes], None]) -> None:
    while data := _receive(source):
        note(data)
        with suppress(OSError):
            target.sendall(data)
    _close(target)


def _deliver(pieces: queue.SimpleQueue[tuple[float, bytes]], target: socket.socket) -> None:
    while True:
        due, data = pieces.get()
        time.sleep(max(0.0, due - time.perf_counter()))
        if not data:
            _close(target)
            return
        with suppress(OSError):
            target.sendall(data)


def _receive(source: socket.socket) -> bytes:
    try:
        return source.recv(_CHUNK)
    except OSError:
        return b""


def _close(target: socket.socket) -> None:
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    _main()
