"""Random histories and public ones: prove finds the pairs that do not commute.

`python -m fuzz.histories` and `python -m fuzz.corpus` try many more.
"""

import os
import random
from pathlib import Path

import pytest
from psycopg import sql

from devtools.checkout import Skip
from fuzz.corpus import choices, open_campaign
from fuzz.histories import Tally, roles, tell
from fuzz.pg_dump_oracle import Plain
from fuzz.planted_conflicts import PLANTED
from fuzz.public_folders import FOLDERS
from pgbraid.model.proof import Verdict

SEED = int(os.environ.get("PGBRAID_FUZZ_SEED", "1"))
FAILING = [kind for kind in PLANTED if kind.verdict is Verdict.FAILS]
OTHERS = [kind for kind in PLANTED if kind.verdict is not Verdict.FAILS]


@pytest.fixture(scope="module")
def with_roles(scratch):
    with roles(scratch):
        yield scratch


def test_there_are_kinds_of_every_verdict():
    verdicts = {kind.verdict for kind in PLANTED}
    assert verdicts == set(Verdict) - {Verdict.SAME, Verdict.NOT_REPLAYED}
    assert len({kind.name for kind in PLANTED}) == len(PLANTED) >= 40


@pytest.mark.parametrize(
    "kind",
    [*random.Random(SEED).sample(OTHERS, 7), *random.Random(SEED).sample(FAILING, 3)],
    ids=lambda kind: kind.name,
)
def test_planted_pair_is_found_and_real(with_roles, kind):
    counts = Tally()
    # On a slow machine, too, the example is the smallest: this test does not measure time.
    proof = tell(with_roles, SEED, kind, counts, longest=80, explain_for=300)
    assert counts.wrong == []
    assert proof.verdict is kind.verdict
    assert proof.pair.minimal


@pytest.mark.parametrize("number", range(3))
def test_histories_without_pair_are_same(with_roles, number):
    counts = Tally()
    proof = tell(with_roles, SEED * 100 + number, None, counts, longest=80)
    assert counts.wrong == []
    assert proof.verdict is Verdict.SAME
    assert proof.inversions


@pytest.fixture
def no_roles_left(scratch):
    """Drop the roles that the history of a project creates on the shared server."""
    before = {name for (name,) in scratch.conn.execute("SELECT rolname FROM pg_roles")}
    yield
    for (name,) in scratch.conn.execute("SELECT rolname FROM pg_roles").fetchall():
        if name not in before:
            scratch.conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.mark.corpus
@pytest.mark.usefixtures("no_roles_left")
def test_orders_of_public_history_are_judged(scratch, server, programs):
    folder = next(folder for folder in FOLDERS if folder.name == "supabase-auth")
    try:
        plain = Plain.on(server, Path(programs))
    except Skip as reason:
        pytest.skip(str(reason))
    campaign = open_campaign(scratch, folder, plain)
    assert campaign.row.note == ""
    for position, target in choices(random.Random(SEED), campaign, 2, 1):
        campaign.try_one(position, target)
    assert sum(campaign.row.verdicts.values()) == 3
    assert campaign.row.unlike == []
    assert campaign.row.pairs == []
