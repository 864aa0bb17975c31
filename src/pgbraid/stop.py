"""Asking a run in another thread to stop."""

from __future__ import annotations

import threading

from pgbraid.errors import Stopped

__all__ = ["StopToken"]


class StopToken:
    """Stops the run that bears it, from any thread.

    The statement in progress is cancelled within a tenth of a second, and its session ended
    where it does not heed that in half of one; its transaction is rolled back and the run raises
    Stopped. A token stops once and for good.
    """

    __slots__ = ("_requested",)

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ask the run to stop."""
        self._requested.set()

    def check(self) -> None:
        """Raise Stopped if somebody asked."""
        if self.requested:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Sleep, but raise Stopped as soon as somebody asks."""
        self._requested.wait(seconds)
        self.check()
