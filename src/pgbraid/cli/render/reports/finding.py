"""A problem as the reports show it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem as a report shows it. The texts have no control characters but line ends."""

    code: str
    is_error: bool
    message: str
    detail: str | None
    hint: str | None
    path: str | None
    """From the root of the repository, as it is on disk: it may have any character but NUL."""
    shown_path: str | None
    """The path with its control characters escaped, except for line ends."""
    line: int | None
    column: int | None
    fingerprint: str
    """The same in each run, and if lines move; no two findings of a report share it."""
    end_line: int | None = None
    is_notice: bool = False
    """Whether the finding is less than a warning."""

    @property
    def texts(self) -> list[str]:
        """The message, the detail and the hint, without those that are missing."""
        return [text for text in (self.message, self.detail, self.hint) if text]
