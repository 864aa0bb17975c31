"""A FastAPI application: it starts once another process has migrated the database.

uvicorn app:app
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Response

import pgbraid

URL = os.environ["DATABASE_URL"]
braid = pgbraid.load(Path(__file__).parent / "migrations")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await until_sigterm(braid.aready(URL))
    yield


async def until_sigterm(waiting: Awaitable[object]) -> None:
    """Wait, but end the process at SIGTERM: uvicorn looks at signals only after the start."""
    task, loop = asyncio.ensure_future(waiting), asyncio.get_running_loop()
    before = signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))
    try:
        await task
    finally:
        signal.signal(signal.SIGTERM, before)


app = FastAPI(lifespan=lifespan)


@app.get("/ready")
async def ready() -> Response:
    """Answer a readiness probe; the answer stays yes when a newer release has migrated."""
    try:
        check = await braid.acheck(URL, newer_ok=True)
    except pgbraid.PgbraidError:
        return Response(status_code=503)
    return Response(status_code=200 if check.ok else 503)
