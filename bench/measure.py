"""Runs one command and tells what it cost: time, processor, memory of client and server."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model import Command

__all__ = ["Outcome", "Watch", "environment", "run", "server_seconds"]

_LIMIT = 900.0
"""Seconds after which a run is ended and counts as failed."""
_EACH = 0.005
"""Seconds between two looks at the memory."""
_HEAD, _TAIL = 2000, 8000
_LONGEST = 240
_RAISED = re.compile(r"[A-Za-z_.]*[a-z]\w*: ")
_STAMP = re.compile(r"^\d{4}.\d\d.\d\d \d\d:\d\d:\d\d ")
_PASSED_ON = ("PATH", "TMPDIR", "JAVA_HOME", "RUSTUP_HOME", "CARGO_HOME")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a process cost and said. ``rss`` is None where it could not be told."""

    wall: float
    cpu: float
    rss: int | None
    code: int
    said: str

    @property
    def complaint(self) -> str:
        """What it complained about: the telling line and the next, of a traceback the error."""
        lines = [_STAMP.sub("", line.strip()) for line in self.said.splitlines() if line.strip()]
        raised = [line for line in lines if _RAISED.match(line)]
        if raised and any(line.startswith("Traceback") for line in lines):
            return raised[-1][:_LONGEST]
        telling = [number for number, line in enumerate(lines) if _is_telling(line)]
        chosen = lines[telling[0] : telling[0] + 2] if telling else lines[-1:]
        return " ".join(chosen or [f"exit code {self.code}"])[:_LONGEST]


def _is_telling(line: str) -> bool:
    words = ("error", "fail", "cannot", "unexpected", "not run", "refus", "unrecognized")
    return any(word in line.lower() for word in words)


def environment(home: Path, extra: dict[str, str]) -> dict[str, str]:
    """Return the environment of every tool: nobody's settings, telemetry off, plus its own."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    fixed = {"HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", "CI": "true"}
    return kept | fixed | extra


@dataclass(slots=True)
class Watch:
    """Looks at the memory of a process tree and of the server's backends while a run lasts.

    The peak that ``wait4`` tells is no use below the harness's own size: a child starts as a
    copy of its parent, and the kernel keeps the larger one of before and after exec. So the
    high-water mark of each process is read while it runs.
    """

    postmaster: int
    database: str
    rss: int = 0
    server_rss: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def over(self, pid: int) -> Iterator[None]:
        """Watch as long as the block lasts."""
        thread = threading.Thread(target=self._look, args=(pid,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()

    def _look(self, pid: int) -> None:
        while not self._done.is_set():
            for each in _tree(pid):
                self.rss = max(self.rss, _memory(each, "VmHWM"))
            for each in _children(self.postmaster):
                if self.database in _read(f"/proc/{each}/cmdline"):
                    self.server_rss = max(self.server_rss, _memory(each, "RssAnon"))
            self._done.wait(_EACH)


def run(command: Command, home: Path, *, watch: Watch | None = None) -> Outcome:
    """Run the command to its end, or to the time limit. Raises OSError where it cannot start."""
    with tempfile.TemporaryFile() as out:
        floor = _own_peak()
        start = time.perf_counter()
        process = subprocess.Popen(
            command.words,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=command.folder or home,
            env=environment(home, command.env),
            start_new_session=True,
        )
        with _limited(process.pid), watch.over(process.pid) if watch else nullcontext():
            status, usage = os.wait4(process.pid, 0)[1:]
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        rss = max(_told(usage, floor), watch.rss if watch else 0) or None
        return Outcome(wall, usage.ru_utime + usage.ru_stime, rss, process.returncode, _said(out))


def _told(usage: resource.struct_rusage, floor: int) -> int:
    """Return the peak that wait4 told, or 0 where it may be the harness's own."""
    peak = usage.ru_maxrss * 1024
    return peak if peak > floor * 1.1 else 0


def _own_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def _limited(pid: int) -> Iterator[None]:
    timer = threading.Timer(_LIMIT, _kill, (pid,))
    timer.daemon = True
    timer.start()
    try:
        yield
    except BaseException:  # the harness is stopped
        _kill(pid)
        raise
    finally:
        timer.cancel()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _said(out: IO[bytes]) -> str:
    """Return what was printed; of much only the beginning and the end."""
    size = out.seek(0, os.SEEK_END)
    out.seek(0)
    begin = out.read(_HEAD)
    if size > _HEAD + _TAIL:
        out.seek(size - _TAIL)
        begin += b"\n"
    return (begin + out.read()).decode(errors="replace")


def server_seconds(postmaster: int) -> float:
    """Return the processor time of all backends that have ended so far."""
    fields = _read(f"/proc/{postmaster}/stat").rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / _TICK if fields else 0.0


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _tree(child)


def _children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, _read(str(task / "children")).split())
    return found


def _memory(pid: int, field_name: str) -> int:
    _, _, rest = _read(f"/proc/{pid}/status").partition(f"{field_name}:")
    return int(rest.split(None, 1)[0]) * 1024 if rest else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:  # it has ended
        return ""
