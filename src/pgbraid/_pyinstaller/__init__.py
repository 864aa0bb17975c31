"""Finds the hook for PyInstaller, by an entry point of the package."""

from __future__ import annotations

__all__ = ["get_hook_dirs"]


def get_hook_dirs() -> list[str]:
    """Return the folders with the hooks of pgbraid."""
    return list(__path__)
