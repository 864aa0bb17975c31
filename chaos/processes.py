"""Processes that die: whole families of them, at once."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["family", "kill_family"]

_PATIENCE = 10.0


def _parent(stat: str) -> int:
    return int(stat.rpartition(")")[2].split()[1])


def family(pid: int) -> list[int]:
    """Return a process and all its children."""
    found = [pid]
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if _parent(stat.read_text()) == pid:
                found.append(int(stat.parent.name))
    return found


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def kill_family(pid: int) -> None:
    """Kill a process and its children, and wait until none of them runs any more."""
    members = family(pid)
    for each in members:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    deadline = time.monotonic() + _PATIENCE
    while any(map(_runs, members)) and time.monotonic() < deadline:
        time.sleep(0.001)
