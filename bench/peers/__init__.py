"""The tools that are measured, each with its own way to install, lay out and call it."""

from __future__ import annotations

from bench.peers import floors, golang, java, javascript, ours, perl, pypi, rust

__all__ = ["TOOLS"]

TOOLS = (
    *floors.TOOLS,
    *ours.TOOLS,
    *golang.TOOLS,
    *pypi.TOOLS,
    *javascript.TOOLS,
    *perl.TOOLS,
    *java.TOOLS,
    *rust.TOOLS,
)
"""Every tool, in the order in which a tie is shown."""
