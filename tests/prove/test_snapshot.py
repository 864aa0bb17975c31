"""A part of bench/fuzz, chosen by chance: what a snapshot must see, and what it must not.

`python -m fuzz` runs all of it.
"""

import os
import random

import pytest

from fuzz.checks import raw_oids, told_secrets, trees_left_out
from fuzz.interleavings import Interleavings
from fuzz.lab import find_dumper, on_server
from fuzz.mutations import Mutations, chosen

SEED = int(os.environ.get("PGBRAID_FUZZ_SEED", "1"))


@pytest.fixture(scope="module")
def lab(server, programs):
    with on_server(server, find_dumper(programs)) as lab:
        yield lab


@pytest.fixture(scope="module")
def mutations(lab):
    return Mutations(lab)


def a_part(cases, part=6):
    return random.Random(SEED).sample(cases, -(-len(cases) // part))


def test_there_are_hundreds_of_mutations(lab):
    cases, _ = chosen(lab.major, lab.features)
    assert len(cases) > 400
    assert len({case.name for case in cases}) == len(cases)


def test_a_change_is_seen(lab, mutations):
    cases, _ = chosen(lab.major, lab.features)
    assert mutations.run(a_part(cases)).wrong == []


def test_what_changes_nothing_is_not_seen(mutations):
    assert mutations.run(a_part(mutations.neutral(), 3), same=True).wrong == []


def test_everything_at_once_is_told_by_names(mutations):
    assert mutations.check_all().wrong == []


def test_every_tree_of_the_catalog_has_a_fact_that_says_it_in_sql(lab):
    with lab.database() as conn:
        assert trees_left_out(conn) == []


def test_no_number_of_an_object_and_no_password_is_in_a_snapshot(lab, mutations):
    with lab.database(mutations.base) as conn:
        snapshot = lab.read(conn)
        assert raw_oids(conn, snapshot) == []
        assert told_secrets(snapshot) == []


def test_a_number_and_a_password_would_be_found(lab, mutations):
    with lab.database(mutations.base) as conn:
        (oid,) = conn.execute("SELECT 'app.people'::regclass::oid").fetchone()
        lab.run(conn, f"COMMENT ON TABLE app.people IS 'table {oid}, SECRET-BASE'")
        snapshot = lab.read(conn)
        assert any(
            "all of them" not in text and str(oid) in text for text in raw_oids(conn, snapshot)
        )
        assert told_secrets(snapshot) == ["SECRET-BASE"]


def test_the_order_of_independent_histories_is_not_seen(lab):
    assert Interleavings(lab, SEED).run(12).wrong == []


def test_what_pg_dump_tells_apart_is_seen(lab):
    if lab.dumper is None:
        pytest.skip("there is no pg_dump")
    found = Interleavings(lab, SEED).clash(5)
    assert found.wrong == []
