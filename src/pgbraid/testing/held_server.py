"""Keeps the embedded server of a run up after its workers have ended."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pgbraid.postgres.clones.cached_data import held_test_server
from pgbraid.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["hold_server_of"]


def hold_server_of(run: str) -> Callable[[], None]:
    """Hold the server of a run; return the function that lets it go. Raises EmbeddedError."""
    stack = ExitStack()
    stack.enter_context(
        held_test_server(run, programs=environment.server_programs(), cache=environment.cache_dir())
    )
    return stack.close
