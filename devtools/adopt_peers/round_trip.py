"""From a tool to pgbraid and on: the schema must be as if the tool had gone on itself."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from devtools.adopt_peers.dump import NOISE
from devtools.adopt_peers.stage import Stage
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
    alone.apply(sixth=True)
    adopted = Stage(peer, server, scratch / peer.name, home)
    adopted.apply()
    if _schema(alone) == _schema(adopted):
        raise Skip("the tool did not apply the sixth migration")
    _go_on(adopted)
    if _schema(adopted) != _schema(alone):
        raise Skip("the schema differs from the one that the tool makes alone")
    return "adopted; the schema is the same as the tool's"


def _go_on(stage: Stage) -> None:
    """Adopt the history of a database and apply the sixth migration with pgbraid.

    The files are in ``stage.files``, the database at ``stage.place.url``. Raises Skip if pgbraid
    cannot.
    """
    raise Skip(f"pgbraid does not adopt the history of {stage.peer.tool.name} here yet")


def _schema(stage: Stage) -> str:
    """Return the schema without trackers and ledger, as pg_dump prints it."""
    others = [f'--exclude-table=*."{n}"' for n in stage.peer.trackers if not n.endswith(".*")]
    others += [f"--exclude-schema={n[:-2]}" for n in stage.peer.trackers if n.endswith(".*")]
    program = str(stage.server.programs.path("pg_dump"))
    words = [program, "--schema-only", "--exclude-table=pgbraid_*", *others, stage.place.url]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(done.stderr.strip())
    return NOISE.sub("", done.stdout)
