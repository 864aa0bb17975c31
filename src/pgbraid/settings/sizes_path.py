"""Finds the sizes file that the settings name, or the one with the usual name."""

from __future__ import annotations

from pathlib import Path

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.settings.settings import Settings

__all__ = ["SIZES_FILE", "sizes_file_of"]

SIZES_FILE = "pgbraid.sizes.json"
"""The name of the sizes file that is used without being named, if it exists."""


def sizes_file_of(settings: Settings) -> str | None:
    """Return the path of the sizes file, or None if none is named and none exists.

    The default is ``pgbraid.sizes.json`` beside the settings file; without a settings file, or if
    it is not there, in the current folder.
    """
    if settings.sizes is not None:
        return settings.sizes
    beside = [Path(settings.file).parent / SIZES_FILE] if settings.file else []
    existing = (path for path in (*beside, Path(SIZES_FILE)) if path.is_file())
    return next((str(path) for path in existing), None)
