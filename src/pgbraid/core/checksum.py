"""Checksums of texts, and what of a text they leave out of account."""

from __future__ import annotations

import hashlib
import re

__all__ = ["digest", "digest_lf", "is_digest", "normalise", "same_but_line_ends", "spellings"]

_BOM = b"\xef\xbb\xbf"


def normalise(text: str) -> str:
    """Return the text without a byte-order mark, its lines ended by a line feed."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def digest(data: bytes) -> str:
    """Return the checksum of a file's bytes: sha256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def digest_lf(text: str) -> str:
    """Return the sha256 of a text whose lines are ended by a line feed, without a mark."""
    return digest(normalise(text).encode())


def is_digest(checksum: str) -> bool:
    """Whether a recorded checksum has the form of ours."""
    return re.fullmatch(r"[0-9a-f]{64}", checksum) is not None


def same_but_line_ends(recorded: str, data: bytes) -> bool:
    """Whether some spelling of line ends and byte-order mark gives the recorded checksum."""
    return recorded in spellings(data)


def spellings(data: bytes) -> frozenset[str]:
    """Return the checksums of a text with either line end, with and without a mark."""
    plain = data.removeprefix(_BOM).replace(b"\r\n", b"\n")
    bodies = (plain, plain.replace(b"\n", b"\r\n"))
    return frozenset({digest(data), *(digest(bom + b) for bom in (b"", _BOM) for b in bodies)})
