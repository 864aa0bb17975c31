"""Sizes on which several rooms agree."""

__all__ = ["LARGE_SCRIPT_BYTES"]

LARGE_SCRIPT_BYTES = 1_000_000
"""Files larger than this number of bytes are read, checked and run in parts."""
