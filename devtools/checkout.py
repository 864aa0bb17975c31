"""The checkout, and the exception for what this machine lacks."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ROOT", "Skip"]

ROOT = Path(__file__).parents[1]
"""The root of the checkout."""


class Skip(Exception):
    """A tool or a trial is not available here; the text gives the reason in one line."""
