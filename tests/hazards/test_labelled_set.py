"""Judges migrations whose hazards were written down without sight of the rules."""

import re
from pathlib import Path

import pytest

from pgbraid.hazards.analysis.context import JudgedSet
from pgbraid.hazards.judgement import judge
from pgbraid.hazards.sizes_file import parse_sizes
from pgbraid.model.findings import HazardSeverity

FOLDER = Path(__file__).with_name("labelled")
SCHEMA = (FOLDER / "schema.sql").read_text()
EXPECTED = re.compile(r"^-- expect: (.+)$", re.MULTILINE)


def labelled(kind):
    """Return the paths of the files of a kind: dangerous, safe or by size."""
    return sorted(FOLDER.glob(f"{kind}[0-9]*.sql"))


def expected(path):
    """Return the rules that a file is labelled with, by the sizes that they need."""
    label = EXPECTED.search(path.read_text())[1]
    rules = label.removesuffix(" at large, nothing at small")
    return set() if rules == "nothing" else set(rules.split(", "))


@pytest.fixture(scope="module")
def judged(hazard_bench):
    """Return a function: the rules that a file meets at warning or error, by the sizes files."""
    sizes = [
        parse_sizes((FOLDER / name).read_text(), name) for name in ("large.json", "small.json")
    ]

    def judge_file(path):
        seen = hazard_bench.observe(SCHEMA, path.read_text())
        return [grave_rules(JudgedSet(seen, of_production)) for of_production in sizes]

    return judge_file


def grave_rules(judged_set):
    lowest = HazardSeverity.WARNING.rank
    return {f.rule for f in judge(judged_set).findings if f.severity.rank >= lowest}


def test_each_kind_has_its_third_of_the_files():
    kinds = [labelled(kind) for kind in "dsz"]
    assert sum(map(len, kinds)) >= 60
    assert min(map(len, kinds)) >= 20


@pytest.mark.parametrize("path", labelled("d"), ids=lambda path: path.stem)
def test_a_dangerous_file_names_its_hazard(judged, path):
    assert expected(path) <= judged(path)[0]


@pytest.mark.parametrize("path", labelled("s"), ids=lambda path: path.stem)
def test_a_safe_file_gets_no_warning(judged, path):
    assert expected(path) == judged(path)[0] == set()


@pytest.mark.parametrize("path", labelled("z"), ids=lambda path: path.stem)
def test_a_file_that_depends_on_size_goes_both_ways(judged, path):
    at_large, at_small = judged(path)
    assert expected(path) <= at_large
    assert at_small == set()
