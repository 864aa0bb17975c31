"""``python -m bench.testing``: measures test databases in rounds, and prints the table.

Every case runs once a round, so that other work on the machine slows all of them alike. The
servers are embedded ones, with data in memory; each peer is installed in an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pgbraid
from bench.install import cache, python
from bench.testing.projects import CASES, Case, write
from devtools.checkout import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

_INLINE = "clone in the test, FILE_COPY"


@dataclass(frozen=True, slots=True)
class _Measured:
    """The figures of a case, a list entry for each round, in seconds."""

    foreground: list[float] = field(default_factory=list)
    """The median of set-up and clean-up of a test, without the first one."""
    first: list[float] = field(default_factory=list)
    """From the start of the process to the first test."""
    each: list[float] = field(default_factory=list)
    """A test, from the first to the last."""


def _interpreter(case: Case) -> str:
    if not case.packages:
        return sys.executable
    home = cache() / f"test-databases-{case.name.partition(' ')[0]}"
    python("pytest==9.2.0", *case.packages)(home)
    return str(home / "bin" / "python")


def _run(
    case: Case, interpreter: str, folder: Path, server: pgbraid.servers.Server
) -> dict[str, list[float]]:
    host = server.url.partition("host=")[2].partition("&")[0]
    env = {
        **os.environ,
        "BENCH_HOST": host,
        "BENCH_URL": server.url,
        "BENCH_BEGAN": str(time.time()),
    }
    words = (interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", *case.words)
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"{case.name} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    measured: dict[str, list[float]] = json.loads((folder / "measured.json").read_text())
    return measured


def _note(case: Case, measured: _Measured, done: dict[str, list[float]]) -> None:
    both = [a + b for a, b in zip(done["setup"], done["teardown"], strict=True)][1:]
    first, end = float(done["first"]), float(done["end"])  # type: ignore[arg-type]
    measured.foreground.append(statistics.median(both))
    measured.first.append(first)
    measured.each.append((end - first) / max(case.count - 1, 1))


def _lines(results: dict[str, _Measured]) -> Iterator[str]:
    base = results.get(_INLINE)
    yield (
        "| a test database | ms on the test's time | beside a clone in the test | tests a second "
        "| s to the first test |"
    )
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, measured in results.items():
        if measured.each:
            foreground, each, first = (
                statistics.median(values)
                for values in (measured.foreground, measured.each, measured.first)
            )
            yield (
                f"| {name} | {foreground * 1000:.1f} | {_ratio(measured, base)} | {1 / each:.1f} "
                f"| {first:.2f} |"
            )


def _ratio(measured: _Measured, base: _Measured | None) -> str:
    """Return the median of the ratios of each round."""
    if base is None or len(base.foreground) != len(measured.foreground):
        return ""
    pairs = zip(measured.foreground, base.foreground, strict=True)
    return f"{statistics.median(one / other for one, other in pairs):.2f}"


def main() -> None:
    """Measure, and print the table after each round."""
    parser = argparse.ArgumentParser(prog="python -m bench.testing", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="a part of the names of the cases")
    args = parser.parse_args()
    results = {case.name: _Measured() for case in CASES if args.only in case.name}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pgbraid-bench-")))
        server = stack.enter_context(pgbraid.embedded())
        for number in range(args.rounds):
            for at, case in enumerate(CASES):
                if case.name not in results:
                    continue
                try:
                    folder = place / str(at)
                    if number == 0:
                        write(case, folder)
                        _run(case, _interpreter(case), folder, server)  # fills the caches
                    _note(case, results[case.name], _run(case, _interpreter(case), folder, server))
                except Skip as reason:
                    print(f"skipped: {reason}", file=sys.stderr)
            load = os.getloadavg()[0]
            print(
                f"\nRound {number + 1}, load {load:.1f}, {server.label}\n",
                *_lines(results),
                sep="\n",
                flush=True,
            )


if __name__ == "__main__":
    main()
