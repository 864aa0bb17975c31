"""Keeps the server of another process alive."""

from __future__ import annotations

from pathlib import Path

from pgbraid.postgres.server.private_folders import hold_temporary

__all__ = ["hold_server_of"]


def hold_server_of(base: str) -> int | None:
    """Keep the temporary server of a private folder alive as long as the returned file is open.

    Return None if it has ended.
    """
    return hold_temporary(Path(base))
