"""Decides whether a run has nothing to do: the same versions, with the same texts."""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Version(Protocol):
        """A version with the checksum of its text."""

        @property
        def version(self) -> int:  # pyright: ignore[reportReturnType]
            """The version."""

        @property
        def checksum(self) -> str | None:  # pyright: ignore[reportReturnType]
            """The sha256 in lower-case hex; None if it was not recorded."""


__all__ = ["is_unchanged"]


def is_unchanged(applied: Sequence[Version], files: Sequence[Version]) -> bool:
    """Whether the applied versions are those of the files, with equal checksums if recorded.

    Both are in the order of their versions. An empty applied set gives False: another tool's
    history may be adopted.
    """
    if not applied or len(applied) != len(files):
        return False
    return all(
        row.version == file.version and row.checksum in {file.checksum, None}
        for row, file in zip(applied, files, strict=True)
    )
