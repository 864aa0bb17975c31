"""The asynchronous face: the one runner, in a thread, stopped when its task is cancelled."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.options import StopToken

__all__ = ["run_in_thread"]

_T = TypeVar("_T")
_ASK_AGAIN = 0.1
_PATIENCE = 10.0


async def run_in_thread(work: Callable[[], _T], stop: StopToken) -> _T:
    """Run ``work`` in a thread of its own and return what it returns.

    Where the task is cancelled, however often, the run is asked to stop, and only when it has
    the cancellation goes on: no connection, lock or unfinished transaction stays behind. A
    server that does not answer is given ten seconds. No executor is used, as it may be full.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    outcome: list[_T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the task
            outcome.append(error)
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(_resolve, ended)

    threading.Thread(target=run, name="pgbraid", daemon=True).start()
    cancelled = await _until(ended, stop)
    if cancelled is not None:
        raise cancelled
    (result,) = outcome
    if isinstance(result, BaseException):
        raise result
    return result


async def _until(ended: asyncio.Future[None], stop: StopToken) -> asyncio.CancelledError | None:
    """Wait for the end, and absorb cancellations until then; return the first one."""
    try:
        await asyncio.shield(ended)
    except asyncio.CancelledError as error:
        cancelled = error
    except BaseException:  # the coroutine is closed, and its loop is not there any more
        stop.request()
        raise
    else:
        return None
    stop.request()
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while not ended.done() and asyncio.get_running_loop().time() < deadline:
        with suppress(asyncio.CancelledError):
            await asyncio.wait({ended}, timeout=_ASK_AGAIN)
    return cancelled


def _resolve(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
