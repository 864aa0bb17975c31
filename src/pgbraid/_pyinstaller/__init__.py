"""Tells PyInstaller, by an entry point, what pgbraid imports by name and reads as data."""

from __future__ import annotations

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """Return the folders with hooks of ours."""
    return list(__path__)
