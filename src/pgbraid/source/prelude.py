"""Reads the prelude: SQL that creates the objects which a platform has before any migration."""

from __future__ import annotations

from pathlib import Path

from pgbraid.model.errors import ConfigError
from pgbraid.model.options import Prelude

__all__ = ["read_prelude"]


def read_prelude(path: str | None) -> Prelude | None:
    """Return the prelude at a path, or None without a path. Raises ConfigError."""
    if path is None:
        return None
    try:
        return Prelude(path, Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"cannot read the prelude {path}: {reason}",
            hint="Correct the setting `prelude`; it is relative to the settings file's folder.",
        ) from None
