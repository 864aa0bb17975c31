"""Whether an applied file changed since, and whether the change means anything."""

from __future__ import annotations

import difflib
import hashlib
import re
from itertools import islice

from pgbraid.core.answers import DriftKind
from pgbraid.core.masking import mask, secrets_in
from pgbraid.core.reader import significant
from pgbraid.core.script import normalise

__all__ = [
    "classify",
    "digest",
    "digest_lf",
    "is_digest",
    "same_but_line_ends",
    "spellings",
    "unified_diff",
]

_BOM = b"\xef\xbb\xbf"
_DIFF_LINES = 60


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


def classify(recorded: str | None, now: str) -> DriftKind | None:
    """Return how two texts differ; None where they differ in line ends or not at all."""
    if recorded is None:
        return DriftKind.UNKNOWN
    if normalise(recorded) == normalise(now):
        return None
    same = significant(recorded) == significant(now)
    return DriftKind.COSMETIC if same else DriftKind.MEANING


def unified_diff(recorded: str, now: str, name: str) -> str:
    """Return a unified diff from the recorded text to the file's, cut after 60 lines."""
    secrets = secrets_in(recorded) | secrets_in(now)
    lines = difflib.unified_diff(
        mask(normalise(recorded), secrets).splitlines(),
        mask(normalise(now), secrets).splitlines(),
        f"{name} as applied",
        f"{name} on disk",
        lineterm="",
    )
    shown = list(islice(lines, _DIFF_LINES + 1))
    if len(shown) > _DIFF_LINES:
        shown[_DIFF_LINES:] = ["… (the rest is left out)"]
    return "\n".join(shown)
