"""The example of each rule: the bad migration fires it, the good and the better ones do not."""

from dataclasses import replace

import pytest

from pgbraid.hazards.examples_file import example_of
from pgbraid.hazards.rules.catalogue import RULE_IDS, RULES
from pgbraid.hazards.workload import parse_workload
from pgbraid.model.findings import HazardSeverity
from tests.fixtures.hazards import every_table

SIZES = replace(
    every_table(50_000_000, reads_per_s=1.0, writes_per_s=1.0),
    published=frozenset({"public.orders"}),
)
each_rule = pytest.mark.parametrize("rule", RULE_IDS)


def texts_of(queries):
    return [query.text for query in parse_workload(queries, "queries")]


@each_rule
def test_bad_migration_fires_its_rule_and_good_and_better_ones_do_not(rule, hazard_bench):
    example = example_of(rule)
    if hazard_bench.version < example.since:
        pytest.skip(f"the statements need PostgreSQL {example.since}")

    def judged(*texts):
        found = hazard_bench.findings(
            example.before, *texts, sizes=SIZES, queries=texts_of(example.queries), schema=True
        )
        grave = {f.rule for f in found if f.severity.rank >= HazardSeverity.WARNING.rank}
        return {f.rule for f in found}, grave

    fired, grave = judged(example.bad)
    after_bad = hazard_bench.schema
    assert rule in fired
    assert grave - {rule} == example.also
    for good in example.good:
        fired, grave = judged(good)
        assert rule not in fired
        assert grave == set()
    if example.instead:
        _, grave = judged(*example.instead)
        assert grave == set()
        assert hazard_bench.schema == after_bad


def test_every_rule_is_described():
    for rule in RULES:
        assert rule.title[0].isupper()
        assert rule.fires
        assert rule.family in "ABCDE"
