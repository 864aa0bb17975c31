"""Reads the texts of our own statements, which stand in files under ``statements``."""

from __future__ import annotations

import os
import re
from functools import cache

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any, LiteralString

__all__ = ["statement_text"]

_NAME = r"(?m)^-- name: (\w+)$"


def statement_text(file: str, name: str) -> LiteralString:
    """Return a named statement without its comments.

    ``{ledger}`` and the like stand for names, ``%(version)s`` and the like for values.
    """
    return _texts(file)[name]


@cache
def _texts(file: str) -> dict[str, LiteralString]:
    # The loader finds the file in a zip or a frozen program, too. `pkgutil` does the same, and its
    # import takes longer than the rest of this module.
    loader: Any = globals()["__loader__"]
    path = os.path.join(os.path.dirname(__file__), "statements", f"{file}.sql")
    _, *parts = re.split(_NAME, loader.get_data(path).decode())
    texts: dict[str, Any] = {
        name: "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
    return texts
