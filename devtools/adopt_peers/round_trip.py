"""From a tool to pgbraid and on: the schema must be as if the tool had gone on itself."""

from __future__ import annotations

import subprocess
from difflib import ndiff
from typing import TYPE_CHECKING

from devtools.adopt_peers.dump import NOISE
from devtools.adopt_peers.stage import Stage
from devtools.adopt_peers.takeover import Takeover
from devtools.checkout import Skip

if TYPE_CHECKING:
    from pathlib import Path

    from devtools.adopt_peers.model import Peer
    from devtools.server import Server

__all__ = ["make_round_trip"]


def make_round_trip(peer: Peer, server: Server, scratch: Path) -> str:
    """Let the tool apply its files, adopt them, and apply one more with pgbraid.

    Returns what was seen. Raises Skip if the tool fails, if pgbraid does not adopt its history,
    or if the schema is not the one that the tool makes alone.
    """
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    alone = Stage(peer, server, scratch / f"{peer.name}-alone", home)
    alone.apply_whole(sixth=True)
    adopted = Stage(peer, server, scratch / peer.name, home)
    adopted.apply_whole()
    wanted = _schema(alone)
    if wanted == _schema(adopted):
        raise Skip("the tool did not apply the sixth migration")
    takeover = Takeover(adopted)
    takeover.go_on()
    if lines := _differences(wanted, _schema(adopted), "-+"):
        raise Skip("\n".join(("the tool alone makes another schema", *lines)))
    takeover.remove_tool()
    if lines := _differences(wanted, _schema(adopted, whole=True), "+"):
        raise Skip("\n".join(("the dropped tracker leaves something", *lines)))
    return f"{takeover.way}, adopted, went on; the schema is the same as the tool's"


def _differences(wanted: str, found: str, marks: str) -> list[str]:
    """Return the lines that only one of two dumps has: ``-`` marks the first, ``+`` the second."""
    return [line for line in ndiff(wanted.splitlines(), found.splitlines()) if line[0] in marks]


def _schema(stage: Stage, *, whole: bool = False) -> str:
    """Return the schema without the ledger, as pg_dump prints it.

    The objects of the tool are left out, too, unless it is to be the ``whole`` schema.
    """
    left_out = () if whole else (*stage.peer.trackers, *(f"{n}.*" for n in stage.peer.beside))
    tables = [n for n in left_out if not n.endswith(".*")]
    others = [f'--exclude-table=*."{n}{s}' for n in tables for s in ('"', '_"*_seq')]
    others += [f"--exclude-schema={n[:-2]}" for n in left_out if n.endswith(".*")]
    program = str(stage.server.programs.path("pg_dump"))
    ledger = "--exclude-table=applied_migrations*"
    words = [program, "--schema-only", ledger, *others, stage.place.url]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(done.stderr.strip())
    return NOISE.sub("", done.stdout)
