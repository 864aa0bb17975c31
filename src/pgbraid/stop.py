"""Asking a run in another thread to stop."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgbraid.errors import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["StopToken"]


class StopToken:
    """Stops the run that bears it, from any thread.

    The statement in progress is cancelled and its transaction rolled back; the run raises
    Stopped. A token stops once and for good.
    """

    __slots__ = ("_cancel", "_lock", "_requested")

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._lock = threading.Lock()
        self._cancel: Callable[[], None] | None = None

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ask the run to stop; ask again if a statement had not begun when you asked."""
        self._requested.set()
        with self._lock:
            if self._cancel:
                self._cancel()

    def check(self) -> None:
        """Raise Stopped if somebody asked."""
        if self.requested:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise Stopped as soon as somebody asks."""
        self._requested.wait(seconds)
        self.check()

    @contextmanager
    def cancelling(self, cancel: Callable[[], None]) -> Iterator[None]:
        """Have ``cancel`` called by a request as long as the block lasts."""
        self._cancel = cancel
        try:
            yield
        finally:
            with self._lock:
                self._cancel = None
