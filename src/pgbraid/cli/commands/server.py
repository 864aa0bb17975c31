"""Runs an embedded PostgreSQL with its data in DIR until it is stopped, and prints its URL.

It is the server of `pgbraid up --embedded DIR`, so that psql and an application can use the
database that pgbraid migrates. The URL is the first line on standard output, printed when the
server accepts connections. Ctrl-C and SIGTERM stop the server, with exit code 0.

Without --port, only this user can connect, by a Unix socket. With --port, the server also listens
on 127.0.0.1, and the URL contains the password that it then requires.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from dataclasses import asdict
from pathlib import Path

from pgbraid.model.errors import ConfigError, EmbeddedError, PgbraidError
from pgbraid.settings import environment

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from contextlib import AbstractContextManager
    from typing import Any, NoReturn

    from pgbraid.cli.context import Context
    from pgbraid.postgres.server.staying import StayingServer

__all__ = ["add_arguments", "run"]

_HIGHEST_PORT = 65535
_HIGHEST_FILE = 4096
_ENDED = 4
"""The exit code if the server has ended by itself."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's own options."""
    parser.add_argument(
        "folder", metavar="DIR", help="the folder of the data, as in `up --embedded DIR`"
    )
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=_port,
        help="listen on this port of 127.0.0.1, too; a generated password is required there",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--detach",
        action="store_true",
        help="return when the server accepts connections, and let it run in the background",
    )
    what.add_argument(
        "--stop", action="store_true", help="stop the server that runs in DIR, and wait for its end"
    )
    what.add_argument(
        "--status",
        action="store_true",
        help="print the URL of the server that runs in DIR; exit code 1 if none runs",
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdecimal() and 0 < int(text) <= _HIGHEST_PORT:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a port, a number from 1 to {_HIGHEST_PORT}")


def run(context: Context) -> int:
    """Run the command and return its exit code."""
    arguments = context.arguments
    for name in ("database", "embedded", "direct_url"):
        if getattr(arguments, name, None) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(
                f"server runs the embedded PostgreSQL of a folder; it does not take {option}",
                hint="Run `pgbraid server DIR`.",
            )
    if not arguments.folder:
        raise ConfigError("the folder of the server is empty", hint="Run `pgbraid server DIR`.")
    folder = Path(arguments.folder).absolute()
    with environment.without_libpq_variables():
        if arguments.stop:
            return _stop(context, folder)
        if arguments.status:
            return _status(context, folder)
        if arguments.detach:
            return _detach(context, folder)
        return _stay(context, folder)


def _opened(context: Context, folder: Path) -> AbstractContextManager[Any]:
    from pgbraid.postgres.server.staying import staying_server  # imports the driver

    return staying_server(
        folder,
        programs=environment.server_programs(),
        cache=environment.cache_dir(),
        port=context.arguments.port,
    )


def _stay(context: Context, folder: Path) -> int:
    """Run the server until a signal or ``--stop`` arrives; both are its regular end."""
    with _opened(context, folder) as (server, await_stop):
        try:  # from before the URL is printed: its reader may send a signal at once
            code = _print(context, server)
            text = f"PostgreSQL {server.version} runs until Ctrl-C, with data in {folder}"
            context.output.note(text)
            while not await_stop():
                pass
        except KeyboardInterrupt:
            return 0
        except EmbeddedError as error:
            if not context.output.as_json:
                raise
            # The document is on standard output already; a second one must not follow it.
            return _print_error(error)
    return code


def _print_error(error: EmbeddedError) -> int:
    from pgbraid.cli.render import psql
    from pgbraid.cli.render.printer import Printer

    Printer(form="text", bar=False).print_error(psql.error(error.message, error.detail, error.hint))
    return _ENDED


def _print(context: Context, server: StayingServer, *, staying: bool = True) -> int:
    document = _document(server.folder, server, staying=staying)
    return context.output.lines([server.url], 0, **document)


def _document(
    folder: Path, server: StayingServer | None, *, staying: bool, stopped: bool = False
) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "running": server is not None,
        "staying": staying,
        "stopped": stopped,
        "url": server.url if server else None,
        "version": server.version if server else None,
        "port": server.port if server else None,
    }


def _detach(context: Context, folder: Path) -> int:
    """Run the server in a process of its own, unless one lets it run already."""
    from pgbraid.postgres.server.staying import StayingServer, find_server, is_staying

    running = find_server(folder)
    asked = context.arguments.port
    if running is not None and is_staying(folder) and asked in {None, running.port}:
        return _print(context, running)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _run_in_background(context, folder, writer)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    if not answer:
        raise EmbeddedError(
            "the process of the server ended before the server was ready",
            hint=f"Run `pgbraid server {folder}` without --detach to see why.",
        )
    import json

    content = json.loads(answer)
    if "message" in content:
        raise EmbeddedError(content["message"], detail=content["detail"], hint=content["hint"])
    return _print(context, StayingServer(**{**content, "folder": Path(content["folder"])}))


def _run_in_background(context: Context, folder: Path, writer: int) -> NoReturn:
    """Run the server in this process, a child that never returns to its caller's code.

    The parent waits for the end of the pipe. If it has gone, the write fails and the server ends.
    """
    code = 1
    try:
        opened = _opened(context, folder)  # reads the environment, which may have a relative path
        os.setsid()  # no Ctrl-C of the terminal, and no SIGHUP when it is closed
        os.chdir("/")
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        # A caller may wait until a pipe that it has passed on is closed.
        os.closerange(3, writer)
        os.closerange(writer + 1, _HIGHEST_FILE)
        _serve(opened, writer)
        code = 0
    except KeyboardInterrupt:
        code = 0
    finally:
        os._exit(code)


def _serve(opened: AbstractContextManager[Any], writer: int) -> None:
    import json

    ready = False
    try:
        with opened as (server, await_stop):
            content = {**asdict(server), "folder": str(server.folder)}
            with os.fdopen(writer, "w") as pipe:
                json.dump(content, pipe)
            ready = True
            while not await_stop():
                pass
    except PgbraidError as error:
        if not ready:
            slots = {"message": error.message, "detail": error.detail, "hint": error.hint}
            with os.fdopen(writer, "w") as pipe:
                json.dump(slots, pipe)


def _stop(context: Context, folder: Path) -> int:
    from pgbraid.postgres.server.staying import find_server, stop_server

    stopped = stop_server(folder)
    still = find_server(folder)
    line = f"the server in {folder} has stopped" if stopped else f"no server stays in {folder}"
    if still is not None:
        line = f"the server in {folder} runs until the last process that uses it ends"
    document = _document(folder, still, staying=False, stopped=stopped)
    return context.output.lines([line], 0, **document)


def _status(context: Context, folder: Path) -> int:
    from pgbraid.postgres.server.staying import find_server, is_staying

    running = find_server(folder)
    if running is None:
        line = f"no server runs in {folder}"
        return context.output.lines([line], 1, **_document(folder, None, staying=False))
    return _print(context, running, staying=is_staying(folder))
