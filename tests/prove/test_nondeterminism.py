"""Parts on which two replays of one order agree, compared with another schema."""

import pytest

from pgbraid.model.snapshot import CatalogRows, Snapshot
from pgbraid.prove.comparison.nondeterminism import (
    CHANGING,
    NOTHING_CHANGES,
    masked_like,
    stable_between,
    without_changing,
)
from pgbraid.prove.comparison.schema_diff import diff_snapshots


def schema(**objects):
    rows = {name.replace("_", " ", 1): (text,) for name, text in objects.items()}
    return Snapshot({"pg_rewrite": CatalogRows(("definition",), rows)})


def text_of(snapshot, name="view v"):
    return snapshot.catalogs["pg_rewrite"].rows[name][0]


@pytest.mark.parametrize(
    ("one", "again", "stable"),
    [
        (
            "SELECT a WHERE at > '2026-01-01 10:11:12.5'::timestamp AND a > 1",
            "SELECT a WHERE at > '2026-01-01 10:11:13.7'::timestamp AND a > 1",
            f"SELECT a WHERE at > {CHANGING}::timestamp AND a > 1",
        ),
        ("made at 10:11:12", "made at 10:12:13", f"made at {CHANGING}"),
        ("a b c", "a b b c", f"a b {CHANGING}c"),
        ("a", None, CHANGING),
        ("a", "a", "a"),
        (
            "DEFAULT 'free since 2026-01-01 10:11:12.5+00'::text",
            "DEFAULT 'free since 2026-01-01 10:11:13.5+00'::text",
            f"DEFAULT 'free since {CHANGING}'::text",
        ),
        (
            """'{"at": "2026-01-01T10:11:12.5+00:00", "plan": "free"}'::jsonb""",
            """'{"at": "2026-01-01T10:11:13.7+00:00", "plan": "free"}'::jsonb""",
            f"""'{{"at": "{CHANGING}", "plan": "free"}}'::jsonb""",
        ),
        ("made at 2026-01-01 10:11:12", "made at 2026-01-01 10:12:13", f"made at {CHANGING}"),
    ],
)
def test_only_differing_part_is_masked(one, again, stable):
    masked, changing = stable_between(schema(view_v=one), schema(view_v=again))
    assert text_of(masked) == stable
    assert bool(changing) == (one != again)


def test_masked_part_matches_only_change_at_same_place():
    left, _ = stable_between(schema(view_v="a > 1, at '10:00'"), schema(view_v="a > 1, at '10:01'"))
    right, _ = stable_between(
        schema(view_v="a > 2, at '10:00'"), schema(view_v="a > 2, at '10:01'")
    )
    assert [d.name for d in diff_snapshots(left, right)] == ["view v"]
    constant = schema(view_v="a > 1, at '10:00'")
    assert [d.name for d in diff_snapshots(left, constant)] == ["view v"]


def test_object_with_changing_name_is_named_by_constant_part():
    one, again = schema(table_b_17="x b_17"), schema(table_b_18="x b_18")
    masked, changing = stable_between(one, again)
    assert list(masked.catalogs["pg_rewrite"].rows) == [f"table b_{CHANGING}"]
    other, _ = stable_between(schema(table_b_21="x b_21"), schema(table_b_22="x b_22"))
    assert diff_snapshots(masked, other) == ()
    assert changing.described() == (
        f"table b_{CHANGING}: its name differs between two replays of one order",
    )
    another, _ = stable_between(schema(table_b_21="y b_21"), schema(table_b_22="y b_22"))
    assert diff_snapshots(masked, another) != ()


def test_number_beside_changing_name_is_compared():
    """Only the number of the name is masked, also in the facts of the object."""
    left, _ = stable_between(schema(table_b_17="17, size 10"), schema(table_b_18="18, size 10"))
    right, _ = stable_between(schema(table_b_21="21, size 12"), schema(table_b_22="22, size 12"))
    assert [d.name for d in diff_snapshots(left, right)] == [f"table b_{CHANGING}"]
    times = schema(table_b_17="17 at '10:00'"), schema(table_b_18="18 at '10:01'")
    assert text_of(stable_between(*times)[0], f"table b_{CHANGING}") == f"{CHANGING} at {CHANGING}"


def test_name_with_one_agreeing_number_is_masked_whole():
    left, _ = stable_between(schema(table_b_17_5="x"), schema(table_b_17_6="x"))
    right, _ = stable_between(schema(table_b_18_7="x"), schema(table_b_19_7="x"))
    assert diff_snapshots(left, right) == ()
    one, again = (schema(**{f"table_b_{n}.v2": "x"}) for n in (17, 18))
    assert list(stable_between(one, again)[0].catalogs["pg_rewrite"].rows) == [
        f"table b_{CHANGING}.v2"
    ]


def test_search_leaves_out_changing_parts():
    one, again = schema(view_v="at 1", view_w="x"), schema(view_v="at 2", view_w="x")
    _, changing = stable_between(one, again)
    left, right = (without_changing(s, changing) for s in (one, schema(view_v="at 3", view_w="x")))
    assert diff_snapshots(left, right) == ()
    assert without_changing(one, NOTHING_CHANGES) is one


@pytest.mark.parametrize(
    ("live", "same"),
    [
        ("at '3', a > 1", True),
        ("at '3', a > 2", False),
        ("a > 1", False),
        ("at '3', a > 5, at '4', a > 1", False),
        ("at now, a > 1", False),
    ],
)
def test_single_schema_matches_where_only_changing_parts_differ(live, same):
    assert drifted(("at '1', a > 1", "at '2', a > 1"), live) != same


@pytest.mark.parametrize(
    ("live", "same"),
    [
        ("made at 2026-02-03 10:00:00", True),
        ("made at 2026-02-03 10:00:00 by hand", False),
        ("made at noon by hand, never drop it", False),
    ],
)
def test_text_behind_changing_part_is_compared(live, same):
    assert drifted(("made at 2026-01-01 10:00:01", "made at 2026-01-01 10:00:02"), live) != same


@pytest.mark.parametrize(
    ("live", "same"), [("'free since 3'", True), ("'paid since 3'", False), ("'free 3'", False)]
)
def test_words_of_literal_that_stay_are_compared(live, same):
    assert drifted(("'free since 1'", "'free since 2'"), live) != same


def test_second_object_under_changing_name_is_seen():
    one, again = schema(table_b_17="x 17, 10"), schema(table_b_18="x 18, 10")
    stable, changing = stable_between(one, again)

    def found(live):
        return [
            d.name for d in diff_snapshots(masked_like(live, stable, changing, one, again), stable)
        ]

    assert found(schema(table_b_21="x 21, 10")) == []
    assert found(schema(table_b_21="x 21, 12")) == [f"table b_{CHANGING}"]
    assert found(schema(table_b_21="x 21, 10", table_b_99="x 99, 10")) == ["table b_99"]
    assert found(schema()) == [f"table b_{CHANGING}"]


def drifted(replays, live):
    one, again = (schema(view_v=text) for text in replays)
    stable, changing = stable_between(one, again)
    return (
        diff_snapshots(masked_like(schema(view_v=live), stable, changing, one, again), stable) != ()
    )
