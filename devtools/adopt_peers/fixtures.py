"""Writes the dumps of a tool's cases in tests/importers/dumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devtools.adopt_peers.dump import dump_tracker, restore_dump
from devtools.adopt_peers.model import DUMPS
from devtools.adopt_peers.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from devtools.adopt_peers.model import Peer
    from devtools.server import Server

__all__ = ["write_fixtures"]


def write_fixtures(peer: Peer, server: Server, scratch: Path) -> Iterator[str]:
    """Play every case of a tool and write its dump; yield what was written.

    Raises Skip, OSError or psycopg.Error if the tool or its dump fails.
    """
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    for case in peer.cases:
        stage = Stage(peer, server, scratch / peer.name, home)
        case.play(stage)
        text = dump_tracker(stage, case.note)
        restore_dump(stage, text)
        folder = DUMPS / peer.name / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dump.sql").write_text(text)
        expected = folder / "expected.txt"
        if not expected.exists():
            expected.write_text(f"{case.expected}\n")
        yield f"{case.name}: {len(text.splitlines())} lines"
