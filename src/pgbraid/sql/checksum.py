"""Computes checksums of texts, with and without regard to line ends and byte-order mark."""

from __future__ import annotations

from pgbraid.model.migration import digest

__all__ = ["checksum_variants", "digest_lf", "normalize_newlines", "same_but_line_ends"]

_BOM = b"\xef\xbb\xbf"


def normalize_newlines(text: str) -> str:
    """Return the text without a byte-order mark, with a line feed at each line's end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def digest_lf(text: str) -> str:
    """Return the sha256 of a text after its newlines are normalized."""
    return digest(normalize_newlines(text).encode())


def same_but_line_ends(recorded: str, data: bytes) -> bool:
    """Whether the texts differ in line ends and byte-order mark at most."""
    return recorded in checksum_variants(data)


def checksum_variants(data: bytes) -> frozenset[str]:
    """Return the checksums of a text with LF and CRLF, with and without a byte-order mark."""
    plain = data.removeprefix(_BOM).replace(b"\r\n", b"\n")
    bodies = (plain, plain.replace(b"\n", b"\r\n"))
    return frozenset({digest(data), *(digest(bom + b) for bom in (b"", _BOM) for b in bodies)})
