"""What a platform has before the first migration: schemas, roles, extensions, stubs of tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pgbraid.errors import ConfigError

__all__ = ["Prelude", "read_prelude"]


@dataclass(frozen=True, slots=True)
class Prelude:
    """A script that is run on every scratch database before the first migration."""

    path: str
    text: str = field(repr=False)


def read_prelude(path: str | None) -> Prelude | None:
    """Return the prelude of that path, if one is named. Raises ConfigError."""
    if path is None:
        return None
    try:
        return Prelude(path, Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"cannot read the prelude {path}: {reason}",
            hint="Correct the setting `prelude`; it is counted from the settings file's folder.",
        ) from None
