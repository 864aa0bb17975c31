"""Messages of prove: the migration, the order, and only hints that apply."""

import json

import pytest

import pgbraid
from pgbraid.model.options import StopToken
from pgbraid.model.proof import Verdict
from pgbraid.prove.comparison.compare_results import compare_kept
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.loader import load_migrations

TABLE = "CREATE TABLE t (a int);"
VIEW = "CREATE VIEW v AS SELECT * FROM t;"
GAP = "ALTER TABLE t ADD c int;"


@pytest.fixture
def prove(folder, program, programs, tmp_path):
    """Run ``prove --history`` on an embedded server, and return the answer."""

    def run(*files, order=(101, 104, 103), code=1, words=()):
        folder.write(_101_t=files[0], _104_b=files[1], _103_c=files[2])
        (tmp_path / "history.json").write_text(json.dumps(order))
        env = {"PGBRAID_PG_BIN": programs}
        return program("prove", "--history", "history.json", *words, env=env, code=code)

    return run


def test_missing_column_is_reported_from_side_of_gap(prove):
    answer = prove(TABLE, VIEW, GAP)
    assert (
        "run out of order, 103_c leaves no column public.v.c; run in order, it leaves one"
        in answer.out
    )
    assert "2 of 3 migrations differ in order. Finding the cause can take longer." in answer.err
    assert "HINT:  If no database has 103_c yet, rename it to a version above\n104;" in answer.out


def test_type_is_reported_first_in_plain_words(prove):
    answer = prove(TABLE, "ALTER TABLE t ALTER a TYPE bigint;", "ALTER TABLE t ALTER a TYPE int2;")
    message = "103_c leaves column public.t.a with type smallint; in order, with bigint"
    assert message in answer.out
    for word in ("attlen", "attalign", "atttypid", "dictinitoption", "inhparent", "conkey"):
        assert word not in answer.out


def test_failure_in_every_order_is_no_verdict_and_gets_no_version_hint(prove):
    answer = prove("SELECT 1 / 0;", TABLE, "CREATE TABLE u ();", code=4)
    assert "in both orders, 101_t fails" in answer.out
    assert "nothing was compared" in answer.out
    for word in ("version above", "resume", "commute", "`pgbraid up`"):
        assert word not in answer.out


def test_order_that_fails_gets_no_hint_to_accept_it_or_to_resume(prove, folder, monkeypatch):
    answer = prove("SELECT 1;", "INSERT INTO k VALUES (1);", "CREATE TABLE k (i int);")
    assert "104_b fails unless 103_c has run" in answer.out
    for word in ("resume", "allow-difference", "--accept", "pgbraid up"):
        assert word not in answer.out


def test_failed_order_of_run_gets_no_hint_to_accept_it(folder, database, programs, monkeypatch):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    folder.write(_101_t=TABLE, _104_b="CREATE TABLE k (i int);")
    folder.load(settings=False).up(database.conninfo)
    folder.write(_103_c="DROP TABLE IF EXISTS k; CREATE TABLE k (i int);")
    with pytest.raises(pgbraid.NotProven) as caught:
        folder.load(settings=False, gaps="prove").up(database.conninfo)
    assert caught.value.proof.verdict is Verdict.FAILS
    assert "allow-difference" not in caught.value.hint


def test_no_pair_is_named_where_none_is_to_blame(folder, prove):
    """The random names sort differently in each replay, whether or not the order changes."""
    answer = prove(
        "CREATE TABLE t (a int);",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE x' || (random() * 1e9)::int || '_b ()'; END $$;",
        "DO $$ BEGIN EXECUTE 'CREATE TABLE x' || (random() * 1e9)::int || '_c ()'; END $$;",
        code=0,
    )
    assert "commute" not in answer.out


def test_times_of_history_are_compared_as_times(prove, folder, tmp_path):
    """In two time zones, the text that sorts last may be the earlier time."""

    def history(second, third):
        return [
            {"version": 101, "applied_at": "2026-01-01T00:00:00+00:00"},
            {"version": 103, "applied_at": second},
            {"version": 104, "applied_at": third},
        ]

    in_time = history("2026-01-02T02:30:00+02:00", "2026-01-02T02:20:00+01:00")
    assert prove(TABLE, VIEW, GAP, order=in_time, code=0).out.startswith("same: none of 3")
    out_of_order = history("2026-01-02T02:20:00+01:00", "2026-01-02T02:30:00+02:00")
    assert "103_c leaves no column" in prove(TABLE, VIEW, GAP, order=out_of_order).out


def test_search_for_example_ends_when_its_time_is_up(folder, prove, monkeypatch, programs):
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    for number in range(1, 40):
        folder.put(f"{number:03}_x.sql", f"CREATE TABLE x{number} (i int);")
    order = [*range(1, 40), 101, 104, 103]
    answer = prove(TABLE, VIEW, GAP, order=order, words=("--explain-for", "0"))
    assert "104_b and 103_c do not commute" in answer.out
    assert "Smallest example" not in answer.out
    assert "It may not be the smallest: the search was cut short after " in answer.out
    assert "these two after" in prove(TABLE, VIEW, GAP, order=order).out
    proof = folder.load(settings=False, explain_for=0).prove(history=order)
    assert (proof.pair.first.version, proof.pair.second.version) == (104, 103)
    assert not proof.pair.minimal


def test_failure_of_repeated_replay_is_reported(scratch):
    """Without it, the values that change by themselves are unknown."""
    files = {
        "1_t.sql": "CREATE TABLE t (id uuid DEFAULT gen_random_uuid(), n int)",
        "2_a.sql": "INSERT INTO t (n) VALUES (1)",
        "3_b.sql": "INSERT INTO t (n) VALUES (2)",
        "4_fails.sql": "SELECT 1 / 0",
    }
    table, one, two, fails = load_migrations(files).migrations
    replayer = Replayer(scratch, pgbraid.load({}, settings=False).ledger, stop=StopToken())
    base, failure = replayer.base((table,))
    assert failure is None
    left, right = replayer.keep(base, (two, one)), replayer.keep(base, (one, two))
    try:
        comparison = compare_kept(
            replayer, left, right, lambda _: replayer.keep(base, (one, two, fails))
        )
    finally:
        replayer.drop(left.name)
        replayer.drop(right.name)
        replayer.release(base)
    assert (
        "values that change by themselves: a second replay of one order failed, at 4_fails: "
        "division by zero"
    ) in comparison.not_compared
