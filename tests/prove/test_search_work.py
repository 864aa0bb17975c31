"""The work of a search for a pair: a migration that moved past two hundred others.

The work is counted in migrations that were run, not in time. A plain replay runs all of them once.
"""

import pytest

import pgbraid.prove.replay.replayer as replaying
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken
from pgbraid.prove import order_pair
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.search.pair_search import PairSearch
from pgbraid.source.loader import load_migrations

FILES, PASSED = 250, 200
MOST = 10.0


def hidden(text):
    """Return a statement whose names no text search finds."""
    return f"DO $$ BEGIN EXECUTE convert_from('\\x{text.encode().hex()}', 'UTF8'); END $$"


@pytest.fixture
def work(monkeypatch):
    """Count the migrations that the search runs, and let only this work limit it."""
    run = {"migrations": 0, "searching": False}

    def counting(function, place):
        def wrapper(*arguments):
            run["migrations"] += len(arguments[place]) * run["searching"]
            return function(*arguments)

        return wrapper

    def search(self, *arguments):
        run["searching"] = True
        return find(self, *arguments)

    find = PairSearch.find
    monkeypatch.setattr(PairSearch, "find", search)
    monkeypatch.setattr(replaying.Replayer, "_run", counting(replaying.Replayer._run, 2))
    monkeypatch.setattr(replaying, "run_and_roll_back", counting(replaying.run_and_roll_back, 1))
    monkeypatch.setattr(order_pair, "_PLAIN_REPLAYS", 10_000)
    return run


def prove(scratch, planted, gap, **options):
    """Prove a gap that moved past 200 others; return the result and the number of migrations."""
    files = {f"{n}0_log.sql": f"INSERT INTO log VALUES ({n})" for n in range(10, 10 + FILES)}
    files["100_log.sql"] = "CREATE TABLE log (n int)"
    files |= {f"{n}5_planted.sql": text for n, text in planted.items()}
    files[f"{10 + FILES - PASSED - 1}9_gap.sql"] = gap
    by_version = load_migrations(files).migrations
    moved = next(m for m in by_version if m.name == "gap")
    orders = OrderPair((*(m for m in by_version if m != moved), moved), by_version)
    assert orders.inversions >= PASSED
    replayer = replaying.Replayer(scratch, LedgerTable(), stop=StopToken())
    return compare_orders(replayer, orders, on_event=lambda _: None, **options), len(by_version)


COMMENT = "COMMENT ON TABLE log IS '{}'"


@pytest.mark.parametrize(
    ("planted", "gap", "context"),
    [
        # A pair that the guess finds by its names.
        ({100: "ALTER TABLE log ADD mine int"}, "ALTER TABLE log ADD yours int", [100]),
        # Pairs without a common name, at the start, in the middle and at the end.
        ({62: hidden(COMMENT.format("a"))}, hidden(COMMENT.format("b")), [100]),
        ({150: hidden(COMMENT.format("a"))}, hidden(COMMENT.format("b")), [100]),
        ({258: hidden(COMMENT.format("a"))}, hidden(COMMENT.format("b")), [100]),
        # The pair needs two more migrations that no message names.
        (
            {
                20: hidden("CREATE TABLE one ()"),
                40: hidden("CREATE TABLE two ()"),
                200: "CREATE TABLE numbers AS SELECT count(*) AS n FROM pg_class"
                " WHERE relname IN ('one', 'two', 'three') HAVING count(*) = 3",
            },
            "CREATE TABLE three ()",
            [205, 405],
        ),
    ],
    ids=["named", "start", "middle", "end", "needs_two"],
)
def test_search_past_two_hundred_migrations_takes_ten_plain_replays(
    scratch, work, planted, gap, context
):
    comparison, total = prove(scratch, planted, gap)
    pair = comparison.pair
    assert (pair.first.name, pair.second.name) == ("planted", "gap")
    assert work["migrations"] <= MOST * total
    assert comparison.search_replays <= MOST
    assert work["migrations"] <= comparison.search_replays * total + 1
    assert comparison.cut_short != pair.minimal
    if pair.minimal:
        assert [m.version for m in pair.context] == context


def test_search_that_is_cut_short_says_so(scratch, work, monkeypatch):
    monkeypatch.setattr(order_pair, "_SEARCH_REPLAYS", 3.0)
    planted = {200 + n: hidden(f"CREATE TABLE t{n} ()") for n in range(12)}
    counts = "SELECT count(*) AS n FROM pg_class WHERE relname ~ '^t[0-9]+$' HAVING count(*) = 13"
    comparison, total = prove(
        scratch, {**planted, 230: f"CREATE TABLE numbers AS {counts}"}, "CREATE TABLE t12 ()"
    )
    assert comparison.cut_short
    assert not comparison.pair.minimal
    assert len(comparison.pair.context) >= 13
    assert work["migrations"] <= MOST * total


def test_search_in_small_folder_is_not_cut_short(scratch, work):
    """Most migrations of a small folder are a part of the example: each replay is a plain one."""
    files = {f"{n}0_needed.sql": hidden(f"CREATE TABLE t{n} ()") for n in range(1, 9)}
    files["11_first.sql"] = "CREATE TABLE t9 ()"
    files["91_second.sql"] = (
        "CREATE TABLE numbers AS SELECT count(*) AS n FROM pg_class WHERE relname ~ '^t[0-9]$'"
        " HAVING count(*) = 9"
    )
    by_version = load_migrations(files).migrations
    moved = by_version[1]
    orders = OrderPair((*(m for m in by_version if m != moved), moved), by_version)
    replayer = replaying.Replayer(scratch, LedgerTable(), stop=StopToken())
    comparison = compare_orders(replayer, orders, on_event=lambda _: None)
    assert not comparison.cut_short
    assert len(comparison.pair.context) == 8
    assert work["migrations"] <= 500 + 4 * len(by_version)
