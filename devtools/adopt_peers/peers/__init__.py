"""The tools, each with its tracker and the cases that it plays."""

from __future__ import annotations

from devtools.adopt_peers.peers import (
    golang,
    golang_more,
    java,
    javascript,
    perl,
    pypi,
    ruby,
    rust,
    schemas,
)

__all__ = ["PEERS"]

PEERS = (
    *golang.PEERS,
    *golang_more.PEERS,
    *rust.PEERS,
    *javascript.PEERS,
    *schemas.PEERS,
    *java.PEERS,
    *pypi.PEERS,
    *perl.PEERS,
    *ruby.PEERS,
)
"""Every tool."""
