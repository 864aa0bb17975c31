"""refinery: one row for each migration, with the SipHash-1-3 of its name, version and text.

Source: ``refinery_core/src/{runner,util}.rs``, ``traits/mod.rs``; SipHash as published by Aumasson
and Bernstein, with one and three rounds and the key 0, which is Rust's ``SipHasher13::new()``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pgbraid.importers.formats.reading import read_all, text_name
from pgbraid.importers.formats.tool import INTEGER, VARCHAR, ForeignMigration, Tool, number_of
from pgbraid.sql.tool_text import directives_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.importers.formats.tool import ForeignFile

__all__ = ["TOOL", "siphash13"]

_FILE = re.compile(r"([UV])([0-9]+)__(\w+)\.sql")
_MASK = 2**64 - 1
_INITIAL = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
_BLOCK = 8


def siphash13(data: bytes) -> int:
    """Return the SipHash-1-3 of bytes under the key 0, an unsigned number of 64 bits."""
    state = _INITIAL
    whole = len(data) - len(data) % _BLOCK
    blocks = [int.from_bytes(data[at : at + _BLOCK], "little") for at in range(0, whole, _BLOCK)]
    last = int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56
    for block in (*blocks, last):
        v0, v1, v2, v3 = state
        v0, v1, v2, v3 = _round(v0, v1, v2, v3 ^ block)
        state = (v0 ^ block, v1, v2, v3)
    v0, v1, v2, v3 = state
    v2 ^= 0xFF
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK
    v1 = _rotated(v1, 13) ^ v0
    v0 = _rotated(v0, 32)
    v2 = (v2 + v3) & _MASK
    v3 = _rotated(v3, 16) ^ v2
    v0 = (v0 + v3) & _MASK
    v3 = _rotated(v3, 21) ^ v0
    v2 = (v2 + v1) & _MASK
    v1 = _rotated(v1, 17) ^ v2
    v2 = _rotated(v2, 32)
    return v0, v1, v2, v3


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _checksums(name: str, version: int, text: str) -> frozenset[str]:
    """Return the checksums for versions of 32 bits, and of 64 bits (a feature of the crate)."""
    sizes = (4, 8) if version < 2**31 else (8,)
    heads = (name.encode() + b"\xff" + version.to_bytes(size, "little") for size in sizes)
    return frozenset(str(siphash13(head + text.encode() + b"\xff")) for head in heads)


def _files(sources: Sequence[ForeignFile]) -> tuple[ForeignMigration, ...]:
    result = []
    for source in sources:
        match = _FILE.fullmatch(source.name)
        if match:
            text = source.data.decode(errors="replace")
            result.append(
                ForeignMigration(
                    key=number_of(match[2]),
                    path=source.path,
                    digits=match[2],
                    name=text_name(match[3]),
                    up=source.text,
                    no_transaction=directives_of(source.text).no_transaction,
                    checksums=_checksums(match[3], int(match[2]), text),
                )
            )
    return tuple(sorted(result, key=lambda m: (int(m.digits), m.path)))


TOOL = Tool(
    "refinery",
    ("refinery_schema_history",),
    (("version", INTEGER), ("name", VARCHAR), ("applied_on", VARCHAR)),
    "version",
    nullable=("name", "applied_on"),
    read=read_all("version", "checksum", "name"),
    files=_files,
    more=("checksum",),
)
