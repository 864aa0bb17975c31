"""A sample of the histories by chance of bench/fuzz, and of real folders."""

import random
from pathlib import Path

import pytest
from bench.fuzz.corpus import FOLDERS, try_folder
from bench.fuzz.histories import Tally, make_story, tell
from bench.fuzz.planted import PLANTED

from pgbraid.db.scratch import scratch_server
from pgbraid.source import load_migrations

ROLE = "pgbraid_fuzz_reader"
SAMPLE = random.Random(7).sample(PLANTED, 9)


@pytest.fixture(scope="module")
def scratch(programs):
    with scratch_server(programs=programs) as scratch:
        scratch.add_role(ROLE)
        yield scratch


@pytest.mark.parametrize("planted", SAMPLE, ids=lambda planted: planted.name)
def test_a_planted_pair_is_found_and_real(scratch, planted):
    tally = Tally()
    proof = tell(scratch, make_story(4711, planted), tally, planted.name)
    assert (tally.undetected, tally.unreal) == ([], [])
    assert proof.pair.confirmed


@pytest.mark.parametrize("seed", [1, 2])
def test_without_a_pair_it_is_the_same(scratch, seed):
    tally = Tally()
    tell(scratch, make_story(seed, None), tally, "none")
    assert tally.undetected == []


@pytest.mark.corpus
def test_no_verdict_is_same_where_a_dump_differs(scratch, programs, corpus):
    if not (Path(programs) / "pg_dump").is_file():
        pytest.skip("this server comes without pg_dump")
    name = "supabase-auth"
    files = load_migrations(FOLDERS[name](corpus / name / "migrations")).migrations
    found = try_folder(scratch, Path(programs), files, 3, "test")
    assert found.wrong == []
    assert sum(found.verdicts.values()) == 3
