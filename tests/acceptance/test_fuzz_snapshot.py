"""A random part of the fuzz program: changes that a snapshot shows, and changes that it must not.

`python -m fuzz` runs all of it.
"""

import os
import random

import pytest

from fuzz.checks import raw_oids, told_secrets, trees_left_out
from fuzz.environment import find_dumper, on_server
from fuzz.interleavings import Interleavings
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


def test_mutation_is_reported(lab, mutations):
    cases, _ = chosen(lab.major, lab.features)
    assert mutations.run(a_part(cases)).wrong == []


def test_mutation_without_effect_is_not_reported(mutations):
    assert mutations.run(a_part(mutations.neutral(), 3), same=True).wrong == []


def test_all_mutations_at_once_are_reported_by_name(mutations):
    assert mutations.check_all().wrong == []


def test_every_node_tree_has_sql_in_snapshot(lab):
    with lab.database() as conn:
        assert trees_left_out(conn) == []


def test_no_number_of_object_and_no_password_is_in_snapshot(lab, mutations):
    with lab.database(mutations.base) as conn:
        snapshot = lab.read(conn)
        assert raw_oids(conn, snapshot) == []
        assert told_secrets(snapshot) == []


def test_number_and_password_would_be_found(lab, mutations):
    with lab.database(mutations.base) as conn:
        (oid,) = conn.execute("SELECT 'app.people'::regclass::oid").fetchone()
        lab.run(conn, f"COMMENT ON TABLE app.people IS 'table {oid}, SECRET-BASE'")
        snapshot = lab.read(conn)
        assert any(
            "all of them" not in text and str(oid) in text for text in raw_oids(conn, snapshot)
        )
        assert told_secrets(snapshot) == ["SECRET-BASE"]


def test_order_of_independent_histories_is_not_seen(lab):
    assert Interleavings(lab, SEED).run(12).wrong == []


def test_differences_of_pg_dump_are_reported(lab):
    if lab.dumper is None:
        pytest.skip("there is no pg_dump")
    differences = Interleavings(lab, SEED).clash(5)
    assert differences.wrong == []
