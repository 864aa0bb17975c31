"""The proof of two orders of the same migrations; each file of cases/ has the expected one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.model.proof import Verdict
from pgbraid.prove.inputs import ProofInput
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.prover import build_proof
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.loader import load_migrations
from tests.fixtures.pages import Elements, page_of_proof

PATHS = sorted(Path(__file__).with_name("cases").glob("*.sql"))
LINE = re.compile(r"-- (\w+): (\S.*)\n")
HEADERS = frozenset(
    {"verdict", "pair", "message", "order", "since", "needs", "not_compared", "no_pair"}
)


@dataclass(frozen=True)
class Case:
    verdict: Verdict
    order: tuple[int, ...]
    files: dict[str, str]
    pair: tuple[int, ...] | None
    message: str
    since: int
    needs: str | None
    not_compared: str | None
    no_pair: str | None


def read_case(text):
    head, files, name = {}, {}, None
    for line in text.splitlines(keepends=True):
        match = LINE.fullmatch(line)
        if match and match[1].isdigit():
            assert re.fullmatch(r"[a-z_]+", match[2]), line
            assert int(match[1]) > int((name or "0").partition("_")[0]), line
            name = f"{int(match[1]):03}_{match[2]}.sql"
            files[name] = ""
        elif name:
            files[name] += line
        else:
            assert match, line
            assert match[1] in HEADERS - head.keys(), line
            head[match[1]] = match[2]
    case = Case(
        Verdict(head["verdict"]),
        tuple(map(int, head["order"].split())),
        files,
        tuple(map(int, head["pair"].split())) if "pair" in head else None,
        head.get("message", ""),
        int(head.get("since", "0")),
        head.get("needs"),
        head.get("not_compared"),
        head.get("no_pair"),
    )
    assert sorted(case.order) == [int(name[:3]) for name in files] != list(case.order)
    if case.pair:
        first, second = case.pair
        assert first > second
        assert case.order.index(first) < case.order.index(second)
    else:
        expected = {Verdict.SAME, Verdict.FAILS, Verdict.NOT_REPLAYED}
        assert case.verdict in expected or case.no_pair
        assert not case.message
    return case


def prove(scratch, case):
    by_version = load_migrations(case.files).migrations
    recorded = tuple(next(m for m in by_version if m.version == v) for v in case.order)
    replayer = Replayer(scratch, LedgerTable(), stop=StopToken())
    orders = OrderPair(recorded, by_version)
    comparison = compare_orders(replayer, orders, on_event=lambda _: None, explain_for=120)
    return build_proof(ProofInput(orders), comparison)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_verdict_of_case(scratch, path):
    case = read_case(path.read_text())
    if int(scratch.version.partition(".")[0]) < case.since:
        pytest.skip(f"this needs PostgreSQL {case.since}")
    available = scratch.conn.execute("SELECT name FROM pg_available_extensions").fetchall()
    if case.needs and (case.needs,) not in available:
        pytest.skip(f"this server has no {case.needs}")
    proof = prove(scratch, case)
    pair = proof.pair
    assert proof.verdict is case.verdict, (proof.differences, pair and pair.sentence)
    assert (pair and (pair.first.version, pair.second.version)) == case.pair
    assert (case.no_pair or "") in (proof.no_pair or "")
    left_out = " | ".join(proof.not_compared)
    assert (case.not_compared or "") in left_out
    assert proof.complete == (case.not_compared is None) or proof.verdict is not Verdict.SAME
    if pair:
        reported = [pair.sentence, *(difference.name for difference in proof.differences)]
        assert any(case.message in text for text in reported), reported
        assert pair.minimal
    check_page(page_of_proof(proof), case, proof)


def check_page(page, case, proof):
    """Check that the report page names the verdict and the pair, and shows where they cross."""
    shown = Elements(page.html)
    assert case.verdict.value in {text for holder, text in shown.held if holder == "span"}
    drawn = [block.first.version for block in page.content.braid.blocks if block.pair]
    assert sorted(drawn) == sorted(case.pair or ())
    rings = [attributes for _, attributes in shown.found if attributes.get("class") == "s-ring"]
    assert len(rings) == bool(case.pair)
    if case.pair:
        assert f"{proof.pair.sentence[:60]}" in shown.text


def test_there_are_cases_of_every_verdict():
    assert len(PATHS) >= 60
    verdicts = [read_case(path.read_text()).verdict for path in PATHS]
    assert set(verdicts) == set(Verdict)
    assert verdicts.count(Verdict.SAME) >= 25


@pytest.mark.parametrize(
    "text",
    [
        "-- verdict: same\n-- order: 2 1\n-- colour: red\n-- 1: a\n-- 2: b\n",
        "-- verdict: same\n-- order: 1 2\n-- 1: a\n-- 2: b\n",
        "-- verdict: same\n-- order: 2 1\n-- order: 2 1\n-- 1: a\n-- 2: b\n",
        "-- verdict: same\n-- order: 2 1\n\n-- 1: a\n-- 2: b\n",
        "-- verdict: same\n-- order: 2 1\n-- 2: b\n-- 1: a\n",
        "-- verdict: different\n-- order: 2 1\n-- 1: a\n-- 2: b\n",
        "-- verdict: different\n-- order: 2 1\n-- pair: 1 2\n-- 1: a\n-- 2: b\n",
    ],
)
def test_case_is_read_strictly(text):
    with pytest.raises(AssertionError):
        read_case(text)


def test_nothing_is_left_on_server(scratch):
    execute = scratch.conn.execute
    pattern = f"pgbraid\\_scratch\\_{scratch.number}\\_%"
    databases = execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (pattern,))
    assert databases.fetchall() == []
    roles = execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'pgbraid\\_case\\_%'")
    assert roles.fetchall() == []
