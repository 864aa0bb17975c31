"""The tools, each with its tracker and the cases that it plays."""

from __future__ import annotations

from devtools.adopt_peers.peers import golang, java, javascript, rust

__all__ = ["PEERS"]

PEERS = (
    *golang.PEERS,
    *rust.PEERS,
    *javascript.PEERS,
    *java.PEERS,
)
"""Every tool."""
