"""Real folders of migrations: late choices are judged, and held against pg_dump.

``python -m bench.fuzz.corpus``: of each folder of the shared corpus, migrations chosen by chance
merge late; wherever the verdict is ``same``, pg_dump of the two orders must be the same but for its
order.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.model import ROOT
from pgbraid.config import cache_dir
from pgbraid.core.model import Tracker
from pgbraid.core.proof import Verdict
from pgbraid.db.programs import find_programs
from pgbraid.db.scratch import scratch_server
from pgbraid.judge import Question, judge_orders
from pgbraid.replay import Replayer
from pgbraid.source import load_migrations
from pgbraid.stop import StopToken
from pgbraid.survey import silent
from pgbraid.texts import inspect_files

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.core.model import Migration
    from pgbraid.db.scratch import Scratch

__all__ = ["FOLDERS", "Outcome", "replayable", "try_folder"]

CORPUS = ROOT.parent / "shared" / "corpus"
_TOOLS = re.compile(r"^-- \+(?:migrate|goose)\b.*$", re.MULTILINE)
_DOWN = re.compile(r"^-- \+(?:migrate|goose) Down\b", re.MULTILINE | re.IGNORECASE)
_ALONE = re.compile(
    r"^-- \+(?:migrate Up notransaction|goose NO TRANSACTION)", re.MULTILINE | re.IGNORECASE
)
_NOISE = re.compile(r"^(?:--.*|\\(?:un)?restrict.*|SET .*|SELECT pg_catalog\.set_config.*|\s*)$")


@dataclass(slots=True)
class Outcome:
    """What came of one folder."""

    files: int
    left_out: int
    plain: float
    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)


def _plain(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in sorted(folder.glob("*.up.sql"))}


def _supabase(folder: Path) -> dict[str, str]:
    stub = (
        "CREATE SCHEMA auth; CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role;"
    )
    files = {"0_stub.sql": stub}
    for name, text in _plain(folder).items():
        own = re.sub(r"\{\{\s*index \.Options \"Namespace\"\s*\}\}", "auth", text)
        files[re.sub(r"^00_", "1_", name)] = own
    return files


def _sections(folder: Path) -> dict[str, str]:
    """Return the upper parts of files that hold both ways."""
    files = {}
    for path in sorted(folder.glob("*.sql")):
        text = _DOWN.split(path.read_text())[0]
        head = "-- pgbraid: no-transaction\n" if _ALONE.search(text) else ""
        version, _, name = path.stem.replace("-", "_").partition("_")
        files[f"{version}_{name}.sql"] = head + _TOOLS.sub("", text)
    return files


def _diesel(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.iterdir() if (path / "up.sql").is_file())
    return {
        f"{number}_{re.sub(r'[^a-z0-9_]', '_', path.name.lower())}.sql": (
            path / "up.sql"
        ).read_text()
        for number, path in enumerate(paths, 1)
    }


FOLDERS: dict[str, Callable[[Path], dict[str, str]]] = {
    "openmeter": _plain,
    "supabase-auth": _supabase,
    "hatchet": _sections,
    "crates.io": _diesel,
    "goalert": _sections,
}


def replayable(scratch: Scratch, files: tuple[Migration, ...]) -> tuple[Migration, ...]:
    """Return the migrations of a folder that can be replayed in the order of their versions."""
    kept = [m for m in files if not any(p.severity == "error" for p in inspect_files([m]))]
    while kept:
        replayer = Replayer(scratch, Tracker(), stop=StopToken())
        base, failure = replayer.base(kept)
        replayer.release(base)
        if failure is None:
            break
        kept.remove(failure.migration)
    return tuple(kept)


def _dump(scratch: Scratch, programs: Path, order: tuple[Migration, ...]) -> list[str]:
    """Return the lines of pg_dump of an order, sorted."""
    replayer = Replayer(scratch, Tracker(), stop=StopToken())
    replayer.expect(order)
    base, failure = replayer.base(order)
    assert failure is None, failure  # noqa: S101 - the judge has just replayed it
    parameters = scratch.at(base).parameters
    conninfo = " ".join(f"{k}={parameters[k]}" for k in ("host", "port", "user", "dbname"))
    words = [str(programs / "pg_dump"), "--schema-only", "-d", conninfo]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    replayer.release(base)
    lines = (line for line in text.splitlines() if not _NOISE.match(line))
    return sorted(re.sub(r"[,;]$", "", line) for line in lines)


def try_folder(
    scratch: Scratch, programs: Path, files: tuple[Migration, ...], count: int, seed: str
) -> Outcome:
    """Judge ``count`` choices of one late migration, half of them at the very end."""
    kept = replayable(scratch, files)
    replayer = Replayer(scratch, Tracker(), stop=StopToken())
    begun = time.perf_counter()
    base, _ = replayer.base(kept)
    outcome = Outcome(len(files), len(files) - len(kept), time.perf_counter() - begun)
    replayer.release(base)
    rng = random.Random(seed)
    for number in range(count):
        at = rng.randrange(len(kept) - 1)
        to = len(kept) - 1 if number % 2 else min(len(kept) - 1, at + rng.randint(1, 10))
        order = (*kept[:at], *kept[at + 1 : to + 1], kept[at], *kept[to + 1 :])
        begun = time.perf_counter()
        one = Replayer(scratch, Tracker(), stop=StopToken())
        proof = judge_orders(one, Question(order, kept), listen=silent)
        outcome.seconds.append(time.perf_counter() - begun)
        outcome.verdicts[proof.verdict.value] += 1
        if proof.pair and not proof.pair.confirmed:
            outcome.unconfirmed.append(f"{kept[at].label}: {proof.pair.sentence}")
        if proof.verdict is Verdict.SAME and _dump(scratch, programs, order) != _dump(
            scratch, programs, kept
        ):
            outcome.wrong.append(kept[at].label)
    return outcome


def _row(name: str, found: Outcome) -> str:
    counts = " | ".join(str(found.verdicts[verdict.value]) for verdict in Verdict)
    mean, worst = statistics.mean(found.seconds), max(found.seconds)
    return (
        f"| {name} | {found.files} | {found.left_out} | {counts} | {len(found.wrong)} | "
        f"{found.plain:.2f} | {mean:.2f} | {worst:.2f} |"
    )


def main() -> int:
    """Try every folder; the exit code is 1 where a verdict was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz.corpus", description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", metavar="FOLDER", choices=FOLDERS)
    parser.add_argument("--programs", type=Path, default=find_programs(None).folder)
    parser.add_argument("--table", type=Path, help="where the table goes, too")
    options = parser.parse_args()
    if not CORPUS.is_dir():
        print("the shared corpus is not here")
        return 0
    verdicts = " | ".join(verdict.value for verdict in Verdict)
    lines = [
        f"| folder | files | left out | {verdicts} | wrong | one replay, s | mean, s | most, s |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    wrong = 0
    for name in [options.only] if options.only else FOLDERS:
        files = load_migrations(FOLDERS[name](CORPUS / name / "migrations")).migrations
        with scratch_server(programs=str(options.programs), cache=cache_dir()) as scratch:
            seed = f"{options.seed} {name}"
            found = try_folder(scratch, options.programs, files, options.count, seed)
            lines.append(_row(name, found))
            print(f"{scratch.label}: {lines[-1]}", flush=True)
        for line in (*found.wrong, *found.unconfirmed):
            print(f"  {line}", flush=True)
        wrong += len(found.wrong)
    print("\n".join(lines))
    if options.table:
        options.table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
