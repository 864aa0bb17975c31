"""The command line: for each tool, adopt what it left; or write what it left as fixtures."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from bench.workspace import home_of
from devtools.adopt_peers.fixtures import write_fixtures
from devtools.adopt_peers.peers import PEERS
from devtools.adopt_peers.round_trip import make_round_trip
from devtools.checkout import Skip
from devtools.server import Server, running_server

if TYPE_CHECKING:
    from devtools.adopt_peers.model import Peer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.adopt_peers", description=__doc__)
    names = "; ".join(peer.name for peer in PEERS)
    parser.add_argument("--only", metavar="NAME[,NAME]", help=names)
    parser.add_argument(
        "--write-fixtures",
        action="store_true",
        help="let the tools write the dumps in tests/importers/dumps again",
    )
    return parser.parse_args()


def _chosen(wanted: str | None) -> list[Peer]:
    if wanted is None:
        return list(PEERS)
    names = [name.strip() for name in wanted.split(",")]
    if unknown := set(names) - {peer.name for peer in PEERS}:
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    return [peer for peer in PEERS if peer.name in names]


def _run(peer: Peer, server: Server, scratch: Path, *, fixtures: bool) -> bool:
    """Run one tool and print what came of it; return whether all went well."""
    try:
        peer.tool.install(home_of(peer.tool))
        if fixtures:
            for line in write_fixtures(peer, server, scratch):
                print(f"{peer.name:20} {line}", flush=True)
        else:
            print(f"{peer.name:20} {make_round_trip(peer, server, scratch)}", flush=True)
    except (Skip, OSError, psycopg.Error) as reason:
        print(f"{peer.name:20} FAILED: {reason}", flush=True)
        return False
    return True


def main() -> None:
    """Run the tools that were asked for. Exits with 1 if one failed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="pgbraid-adopt-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # the server's user passes it
        with running_server(scratch) as server:
            fixtures = arguments.write_fixtures
            peers = _chosen(arguments.only)
            done = [_run(peer, server, scratch, fixtures=fixtures) for peer in peers]
    sys.exit(not all(done))


if __name__ == "__main__":
    main()
