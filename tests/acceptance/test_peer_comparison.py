"""The comparison with peers: its program works, and the documents agree with its table."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bench.out_of_order.model import Result
from bench.out_of_order.table import table

ROOT = Path(__file__).parents[2]
PERFORMANCE = ROOT / "docs" / "performance.md"


def result(tool, outcome, *, way="", kind="peer"):
    return Result(tool, "1", "files by hand", way, outcome, 0, "words", kind, "2026-01-01")


def outcomes_in_performance():
    """Count the outcomes of the peers in the table; pgbraid's own row is bold."""
    text = PERFORMANCE.read_text()
    begin = text.index("| tool | outcome |")
    rows = text[begin : text.index("\n\n", begin)].splitlines()[2:]
    return Counter(row.split(" | ")[1] for row in rows if not row.startswith("| **"))


def test_table_of_peers_is_sorted_by_outcome():
    text = table(
        [
            result("skipper", "skipped silently"),
            result("refuser", "refused"),
            result("refuser", "applied", way="merge heads"),
            result("applier", "applied"),
            result("ours", "applied", kind="ours"),
        ]
    )
    assert "Peers: 1 applied, 1 refused, 1 skipped silently." in text
    assert re.findall(r"^\| \**(\w+)\**", text, re.MULTILINE)[1:] == [
        "ours",
        "applier",
        "refuser",
        "skipper",
    ]
    assert "merge heads: applied" in text


@pytest.mark.skipif(sys.platform != "linux", reason="bench/ reads /proc")
def test_peer_program_finds_that_pgbraid_applies_gap(tmp_path):
    words = ["--tools", "pgbraid", "--no-install", "--results", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "bench.out_of_order", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "103_add_email gap" in done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("| **pgbraid**"))
    assert "| applied | 0 |" in row


def test_readme_counts_peers_as_table_does():
    outcomes = outcomes_in_performance()
    readme = " ".join((ROOT / "README.md").read_text().split())
    skipped = outcomes["skipped silently"] + outcomes["skipped with a message"]
    assert f"Of the {outcomes.total()} peers" in readme
    assert (
        f"{outcomes['applied']} apply 103, {outcomes['refused']} refuse to run, "
        f"{outcomes['conflict in git']} end in a git conflict and {skipped} skip it" in readme
    )
