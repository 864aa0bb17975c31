"""The limits of a search: its time, and its work in plain replays."""

from __future__ import annotations

import math
from time import monotonic

__all__ = ["Budget"]


class Budget:
    """The limits of a search: seconds from now, and plain replays.

    A plain replay runs all migrations once, so a replay of a tenth of them counts as a tenth. The
    work of a part counts for the whole budget, too.
    """

    __slots__ = ("_ends", "_replays", "_whole", "cut_short", "spent")

    def __init__(
        self, seconds: float, replays: float = math.inf, whole: Budget | None = None
    ) -> None:
        self._ends = monotonic() + seconds
        self._replays, self._whole = replays, whole
        self.spent = 0.0
        """The plain replays so far."""
        self.cut_short = False
        """Whether a limit has prevented a replay."""

    def part(self, time: float = 1.0, work: float = 1.0) -> Budget:
        """Return a part with a share of the remaining time and a share of the remaining work."""
        return Budget(self._seconds_left * time, (self._replays - self.spent) * work, self)

    def at_least(self, seconds: float, replays: float) -> Budget:
        """Return a part with all that remains, and at least this much.

        Without a limit of the work, the caller chose the time, which is then the limit.
        """
        remaining = self._replays - self.spent
        if remaining == math.inf:
            return self.part()
        return Budget(max(self._seconds_left, seconds), max(remaining, replays), self)

    @property
    def _seconds_left(self) -> float:
        return self._ends - monotonic()

    @property
    def is_spent(self) -> bool:
        """Whether the time is up, or the work is done."""
        return self._seconds_left <= 0 or self.spent >= self._replays

    def take(self, replays: float) -> bool:
        """Spend so many plain replays and return True; return False if a limit forbids them."""
        if self.is_spent or self.spent + replays > self._replays:
            self.cut_short = True
            return False
        self.spend(replays)
        return True

    def spend(self, replays: float) -> None:
        """Note work that is done in any case."""
        self.spent += replays
        if self._whole is not None:
            self._whole.spend(replays)
