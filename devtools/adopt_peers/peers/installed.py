"""The tools that the benchmark installs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.peers import TOOLS

if TYPE_CHECKING:
    from bench.model import Command, Tool
    from devtools.adopt_peers.stage import Stage

__all__ = ["bench_tool", "with_options"]


def bench_tool(name: str) -> Tool:
    """Return a tool of bench.peers."""
    return next(tool for tool in TOOLS if tool.name == name)


def with_options(stage: Stage, *options: str, drop: int = 0) -> Command:
    """Return the usual command with other last words: ``drop`` are removed, then some added."""
    command = stage.peer.command(stage.place)
    words = command.words[: len(command.words) - drop]
    return replace(command, words=(*words, *options))
