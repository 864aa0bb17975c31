"""``pgbraid.embedded()``: a PostgreSQL server for as long as a block lasts."""

from __future__ import annotations

import secrets
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.aio import run_in_thread
from pgbraid.model.errors import ConfigError
from pgbraid.model.options import StopToken
from pgbraid.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from types import TracebackType

    from pgbraid.postgres.server.embedded import Embedded

__all__ = ["EmbeddedServer", "Server", "embedded"]


@dataclass(frozen=True, slots=True)
class Server:
    """A running PostgreSQL server."""

    url: str
    """The URL of its database ``postgres``, as a superuser."""
    label: str
    """Its name and version, such as ``embedded PostgreSQL 18.6``."""
    _create: Callable[[str | None], str] = field(repr=False, compare=False)

    def create_database(self, name: str | None = None) -> str:
        """Create an empty database, and return its URL.

        Without a name the database gets one that no other has. Raises ConfigError for an invalid
        name, and ServerError if the name is taken.
        """
        if name is not None and (not isinstance(name, str) or not name or "\0" in name):
            raise ConfigError(f"{name!r} is not a valid name of a PostgreSQL database")
        return self._create(name)


def _created(conninfo: str, name: str | None) -> str:
    from pgbraid.postgres.clones.databases import create_database  # noqa: PLC0415

    name = name or f"database_{secrets.token_hex(6)}"
    create_database(conninfo, name)
    return _url_in(conninfo, name)


def _url_in(conninfo: str, name: str) -> str:
    """Return the URL of a database on an embedded server."""
    from pgbraid.postgres.client.urls import plain_parameters, url_of  # noqa: PLC0415

    return url_of({**plain_parameters(conninfo, embedded=True), "dbname": name})


class EmbeddedServer(AbstractContextManager[Server], AbstractAsyncContextManager[Server]):
    """An embedded server that runs as long as a ``with`` or ``async with`` block lasts."""

    __slots__ = ("_folder", "_running")

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._running: AbstractContextManager[Embedded] | None = None

    def __enter__(self) -> Server:
        from pgbraid.postgres.server.embedded import embedded_server  # noqa: PLC0415

        if self._running is not None:
            raise ConfigError(
                "this server was started already",
                hint="Call `pgbraid.embedded()` once for each block.",
            )
        running = embedded_server(
            self._folder,
            programs=environment.server_programs(),
            cache=environment.cache_dir(),
        )
        server = running.__enter__()
        self._running = running
        url = _url_in(server.conninfo, "postgres")
        return Server(url, server.label, partial(_created, server.conninfo))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server, unless other processes use its folder."""
        running, self._running = self._running, None
        if running is not None:
            running.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Server:
        stop = StopToken()

        def start() -> Server:
            server = self.__enter__()
            if stop.requested:  # the task was cancelled meanwhile, so no caller stops it
                self.__exit__(None, None, None)
            return server

        try:
            return await run_in_thread(start, stop)
        except BaseException:
            # The cancellation may arrive when the server has just started.
            self.__exit__(None, None, None)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The block's exception is not passed on: it belongs to this thread.
        await run_in_thread(lambda: self.__exit__(None, None, None), StopToken())


def embedded(folder: str | PathLike[str] | None = None) -> EmbeddedServer:
    """Return a context manager, for ``with`` and ``async with``, that runs a PostgreSQL server.

    Its value is a :class:`Server`. Without ``folder`` the data are temporary, in memory where
    possible, and removed at the end, even if this process is killed. With ``folder`` they stay
    there, and several processes share one server. The server listens only on a Unix socket for
    this user; libpq's environment variables do not lead its URLs elsewhere. Entering raises
    EmbeddedError if no server can be started.
    """
    return EmbeddedServer(None if folder is None else Path(fspath(folder)))
