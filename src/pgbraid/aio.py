"""The asynchronous face: the one runner, in a thread, stopped when its task is cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.stop import StopToken

__all__ = ["run_in_thread"]

_T = TypeVar("_T")
_ASK_AGAIN = 0.1


async def run_in_thread(work: Callable[[], _T], stop: StopToken) -> _T:
    """Run ``work`` in a thread and return what it returns.

    Where the task is cancelled, the run is asked to stop until it has, and only then the
    cancellation goes on: no connection, lock or half-done transaction stays behind.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            await asyncio.to_thread(stop.request)
            await asyncio.wait({running}, timeout=_ASK_AGAIN)
        if not running.cancelled():
            running.exception()  # it was asked for: not to be reported as never retrieved
        raise
