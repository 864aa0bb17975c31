"""Directives and settings that allow a hazard, or change its severity."""

import pytest

from pgbraid.hazards.analysis.context import JudgedSet
from pgbraid.hazards.judgement import judge
from pgbraid.model.errors import ConfigError
from pgbraid.source.content import check_scripts
from pgbraid.source.loader import load_migrations
from tests.fixtures.hazards import every_table

BEFORE = "CREATE TABLE orders (id bigint PRIMARY KEY, state text);"
INDEX = "CREATE INDEX ON orders (state);"


@pytest.fixture
def judged(hazard_bench):
    def run(text, **severities):
        seen = hazard_bench.observe(BEFORE, text)
        names = {rule.replace("_", "-"): severity for rule, severity in severities.items()}
        return judge(JudgedSet(seen, every_table(10**9)), names)

    return run


@pytest.mark.parametrize("table", ["", "(orders)", "(public.orders)"])
def test_directive_allows_finding_with_its_reason(judged, table):
    judgement = judged(
        f"-- pgbraid: allow-hazard=index-build{table} it runs at night, alone\n{INDEX}"
    )
    (finding,) = judgement.findings
    assert finding.allowed == "it runs at night, alone"
    assert judgement.problems == ()


def test_directive_for_other_table_is_stale(judged):
    judgement = judged(f"-- pgbraid: allow-hazard=index-build(customers) at night\n{INDEX}")
    assert [f.allowed for f in judgement.findings] == [None]
    (problem,) = judgement.problems
    assert problem.code == "allowed_nothing"
    assert "index-build(customers)" in problem.message


def test_unknown_rule_in_directive_is_an_error(judged):
    judgement = judged(f"-- pgbraid: allow-hazard=index-bild at night\n{INDEX}")
    assert [problem.code for problem in judgement.problems] == ["allowed_unknown"]


def test_several_directives_allow_several_rules(judged):
    text = (
        "-- pgbraid: allow-hazard=index-build(orders) at night\n"
        "-- pgbraid: allow-hazard=drop-column unused since May\n"
        f"{INDEX}\nALTER TABLE orders DROP COLUMN state;"
    )
    judgement = judged(text)
    assert {f.rule for f in judgement.findings if f.allowed} == {"index-build", "drop-column"}
    assert judgement.problems == ()


@pytest.mark.parametrize(
    "text", ["index-build", "index-build(orders)", "", "(orders) reason", "X y"]
)
def test_directive_without_reason_is_refused_by_check(text):
    loaded = load_migrations({"1_a.sql": f"-- pgbraid: allow-hazard={text}\nSELECT 1;"})
    (problem,) = check_scripts(loaded.migrations)
    assert problem.code == "unknown_directive"
    assert "needs a rule and a reason" in problem.message


def test_settings_change_severity_of_a_rule(judged):
    (finding,) = judged(INDEX, index_build="notice").findings
    assert finding.severity == "notice"
    assert judged(INDEX, index_build="off").findings == ()


def test_settings_do_not_raise_a_finding_without_weight(hazard_bench):
    seen = hazard_bench.observe(BEFORE, INDEX)
    (finding,) = judge(JudgedSet(seen, every_table(10)), {"index-build": "error"}).findings
    assert finding.severity == "none"


def test_unknown_rule_in_settings_is_an_error():
    with pytest.raises(ConfigError, match="index-bild"):
        judge(JudgedSet(()), {"index-bild": "off"})
