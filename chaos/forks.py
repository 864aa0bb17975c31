"""Runs the command line many times a second: forked from a process that has imported it.

What is forked is the program from ``main`` on, in a process of its own that can be killed; only
the start of the interpreter is saved. ``whole`` runs are started as a user starts them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devtools.checkout import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Ended", "Forks", "Running"]

_PATIENCE = 120.0
_IMPORTED = (
    "pgbraid.cli.run",
    "pgbraid.cli.commands.up",
    "pgbraid.cli.commands.check",
    "pgbraid.migrate.up",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run came to; the code of one that was killed is the signal's, negative.

    One that did not end in time has code None, and was killed for it.
    """

    code: int | None
    out: str
    err: str
    seconds: float = 0.0

    @property
    def told(self) -> list[int]:
        """The versions that ``up`` said it applied, by the lines that it printed."""
        lines = [line for line in self.out.splitlines() if line.startswith("  ")]
        found = [line.split()[0].partition("_")[0] for line in lines]
        return [int(digits) for digits in found if digits.isdigit()]

    def __str__(self) -> str:
        return f"exit code {self.code}, said: {' | '.join((self.out + self.err).splitlines())}"


@dataclass(slots=True)
class Forks:
    """The process that is forked from."""

    folder: Path
    process: subprocess.Popen[str] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    def __post_init__(self) -> None:
        """Start it."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chaos.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(
        self,
        *words: str,
        env: Mapping[str, str] | None = None,
        at: float = 0.0,
        whole: bool = False,
    ) -> Running:
        """Start a command line; at a moment of the monotonic clock, if one is given."""
        self._count += 1
        base = str(self.folder / f"run-{self._count}")
        order = {"words": words, "env": dict(env or {}), "at": at, "whole": whole, "base": base}
        pid = self.ask(order)
        return Running(self, pid, os.pidfd_open(pid), Path(base))

    def call(self, *words: str, env: Mapping[str, str] | None = None, whole: bool = False) -> Ended:
        """Run a command line to its end."""
        return self.start(*words, env=env, whole=whole).wait()

    def ask(self, order: Mapping[str, Any]) -> int:
        """Give an order and return the answer."""
        with self._lock:
            assert self.process.stdin is not None  # noqa: S101 - a pipe was asked for
            assert self.process.stdout is not None  # noqa: S101
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            return int(self.process.stdout.readline())

    def warm(self, *modules: str) -> None:
        """Import modules before the next fork, so that no run imports them."""
        self.ask({"import": modules})

    def close(self) -> None:
        """End it; what it started ends by itself."""
        self.process.communicate()


@dataclass(slots=True)
class Running:
    """A command line that was started."""

    forks: Forks
    pid: int
    file: int
    base: Path
    _ended: Ended | None = None

    def send(self, sign: signal.Signals) -> bool:
        """Send a signal; return whether the process was still there to take it."""
        if not self.alive:
            return False
        signal.pidfd_send_signal(self.file, sign)
        return True

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._ended is None and not self._is_over(0)

    def _is_over(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.file, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def wait(self, seconds: float = _PATIENCE) -> Ended:
        """Wait for its end, and kill it where it does not come."""
        if self._ended is None:
            late = not self._is_over(seconds)
            if late:
                signal.pidfd_send_signal(self.file, signal.SIGKILL)
            code = self.forks.ask({"reap": self.pid})
            os.close(self.file)
            end = _text(self.base.with_suffix(".end"))
            self._ended = Ended(
                None if late else code, self.out, self.err, float(end) if end else 0.0
            )
        return self._ended

    @property
    def out(self) -> str:
        """What it has written so far."""
        return _text(self.base.with_suffix(".out"))

    @property
    def err(self) -> str:
        """What it has complained of so far."""
        return _text(self.base.with_suffix(".err"))


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _serve() -> None:
    """Fork for each order, and say the child's number; or its end's, where that is asked."""
    for module in _IMPORTED:  # before the first fork, not in it
        import_module(module)
    for name in [name for name in os.environ if name.startswith(("PG", "DATABASE_URL"))]:
        del os.environ[name]
    for line in sys.stdin:
        order = json.loads(line)
        if "import" in order:
            answer = len([import_module(module) for module in order["import"]])
        elif "reap" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["reap"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                _become(order)
        print(answer, flush=True)


def _become(order: dict[str, Any]) -> None:
    """Be the command line, and end."""
    base = Path(order["base"])
    for number, mode, name in ((0, "rb", "/dev/null"), (1, "wb", ".out"), (2, "wb", ".err")):
        path = Path(name) if number == 0 else base.with_suffix(name)
        with path.open(mode) as file:
            os.dup2(file.fileno(), number)
    os.environ |= order["env"]
    while (left := order["at"] - time.monotonic()) > 0:
        time.sleep(left)
    begun = time.monotonic()
    if order["whole"]:
        words = [sys.executable, "-m", "pgbraid", *order["words"]]
        os.execv(sys.executable, words)  # noqa: S606 - the program under test
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - as long as the process
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as long as the process
    code = 70
    try:
        from pgbraid.cli import main  # noqa: PLC0415

        code = main(order["words"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        base.with_suffix(".end").write_text(str(time.monotonic() - begun))
        os._exit(code)


if __name__ == "__main__":
    _serve()
