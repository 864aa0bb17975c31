"""Runs pgbraid from asyncio: in a thread that stops when its task is cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.options import StopToken

__all__ = ["run_in_thread"]

_T = TypeVar("_T")
_POLL = 0.1
_STOP_TIMEOUT = 10.0
"""Seconds to wait for the thread to end after a cancellation."""


async def run_in_thread(work: Callable[[], _T], stop: StopToken) -> _T:
    """Run ``work`` in a new thread, with the context variables of the task; return its result.

    If the task is cancelled, once or more often, the run is stopped first. Then the cancellation
    continues, so that no connection, lock or open transaction remains. If the server does not
    respond, this takes ten seconds at most.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    outcome: list[_T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the task
            outcome.append(error)
        with suppress(RuntimeError):  # the loop is closed, so no task waits
            loop.call_soon_threadsafe(_resolve, ended)

    # Not the loop's executor: all of its threads may be busy.
    # The context: a span of the caller is the parent of the run's, and a log record has its ids.
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="pgbraid", daemon=True).start()
    cancelled = await _until(ended, stop)
    if cancelled is not None:
        raise cancelled
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result


async def _until(ended: asyncio.Future[None], stop: StopToken) -> asyncio.CancelledError | None:
    """Wait for the thread's end; return the first cancellation that arrived meanwhile."""
    try:
        await asyncio.shield(ended)
    except asyncio.CancelledError as error:
        cancelled = error
    except BaseException:  # the coroutine is closed, and its loop has ended
        stop.request()
        raise
    else:
        return None
    stop.request()
    # A second cancellation must not abandon the run, so each one is suppressed until the thread
    # has ended.
    deadline = asyncio.get_running_loop().time() + _STOP_TIMEOUT
    while not ended.done() and asyncio.get_running_loop().time() < deadline:
        with suppress(asyncio.CancelledError):
            await asyncio.wait({ended}, timeout=_POLL)
    return cancelled


def _resolve(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
