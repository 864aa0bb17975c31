"""Each trap that an observation can fall into: the findings name the right tables, and no others.

The traps are in ``fixtures/hazard_traps.sql``: a name, the findings of warning or above (and what
was not exercised), and the migrations behind the schema.
"""

import pytest

from tests.fixtures.hazard_traps import SCHEMA, TRAPS

LARGE = 300


@pytest.mark.parametrize("trap", TRAPS, ids=[trap.name for trap in TRAPS])
def test_statement_has_the_findings_that_it_should(trap, hazard_bench):
    if hazard_bench.version < trap.since:
        pytest.skip(f"the statements need PostgreSQL {trap.since}")
    found = hazard_bench.findings(SCHEMA, *trap.texts, zone=trap.zone)
    shown = {
        f"{f.rule} {f.object or ''}".strip()
        for f in found
        if f.severity.value in {"warning", "error"} or f.rule == "not-exercised"
    }
    assert shown == trap.finds


def test_file_of_many_statements_has_one_observation_each(hazard_bench):
    text = "".join(f"UPDATE orders SET note = 'x' WHERE id = {n};\n" for n in range(LARGE))
    (seen,) = hazard_bench.observe(SCHEMA, text)
    assert [statement.number for statement in seen.statements] == list(range(1, LARGE + 1))
    assert not seen.statements[-1].changed
