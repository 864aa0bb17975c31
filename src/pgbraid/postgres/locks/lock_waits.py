"""How long other sessions made a migration wait, for the journal."""

from __future__ import annotations

from dataclasses import dataclass

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NO_WAITS", "LockWaits"]

_LISTED = 5
"""The number of blockers that are kept: the journal is no log of other sessions."""


@dataclass(frozen=True, slots=True)
class LockWaits:
    """The retries of one migration in one run, because of other sessions.

    ``seconds`` is the time from the first attempt to the last one: failed attempts and pauses.
    ``blocked_by`` are the sessions that were seen, the first one first.
    """

    retries: int = 0
    seconds: float = 0.0
    blocked_by: tuple[str, ...] = ()

    def plus(self, retries: int, seconds: float, blocked_by: tuple[str, ...]) -> LockWaits:
        """Return these waits and further ones; each session counts once."""
        sessions = {_session(name): name for name in (*self.blocked_by, *blocked_by)}
        listed = tuple(sessions.values())[:_LISTED]
        return LockWaits(self.retries + retries, self.seconds + seconds, listed)

    @property
    def detail(self) -> dict[str, Any]:
        """The members for the detail of a journal line; none if there was no wait."""
        if not (self.retries or self.blocked_by):
            return {}
        return {
            "attempts": self.retries + 1,
            "waited_ms": round(self.seconds * 1000),
            "blocked_by": list(self.blocked_by),
        }


NO_WAITS = LockWaits()


def _session(description: str) -> str:
    """Return the part of a description that does not change while the session lives."""
    return description.partition(" (")[0]
