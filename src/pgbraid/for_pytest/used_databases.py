"""The databases that a test uses, noted for the report of its failure."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["USED"]

USED = pytest.StashKey[list[Any]]()
"""The databases that an item uses."""
