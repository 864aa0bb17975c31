"""What two replays of one order agree on, and what of another schema fits it."""

import pytest

from pgbraid.core.snapshot import Part, Snapshot, compare
from pgbraid.core.stable import (
    CHANGING,
    NOTHING_CHANGES,
    masked_like,
    stable_between,
    without_changing,
)


def schema(**objects):
    rows = {name.replace("_", " ", 1): (text,) for name, text in objects.items()}
    return Snapshot({"pg_rewrite": Part(("definition",), rows)})


def text_of(snapshot, name="view v"):
    return snapshot.parts["pg_rewrite"].rows[name][0]


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
    ],
)
def test_only_the_piece_that_differs_is_masked(one, again, stable):
    found, changing = stable_between(schema(view_v=one), schema(view_v=again))
    assert text_of(found) == stable
    assert bool(changing) == (one != again)


def test_a_masked_piece_fits_only_one_that_changes_at_the_same_place():
    left, _ = stable_between(schema(view_v="a > 1, at '10:00'"), schema(view_v="a > 1, at '10:01'"))
    right, _ = stable_between(
        schema(view_v="a > 2, at '10:00'"), schema(view_v="a > 2, at '10:01'")
    )
    assert [d.name for d in compare(left, right)] == ["view v"]
    constant = schema(view_v="a > 1, at '10:00'")
    assert [d.name for d in compare(left, constant)] == ["view v"]


def test_an_object_whose_name_changes_is_named_by_what_stays():
    one, again = schema(table_b_17="x 17"), schema(table_b_18="x 18")
    left, changing = stable_between(one, again)
    assert list(left.parts["pg_rewrite"].rows) == [f"table b_{CHANGING}"]
    other, _ = stable_between(schema(table_b_21="x 21"), schema(table_b_22="x 22"))
    assert compare(left, other) == ()
    assert changing.described() == (
        f"table b_{CHANGING}: its name differs between two replays of one order",
    )
    another, _ = stable_between(schema(table_b_21="y 21"), schema(table_b_22="y 22"))
    assert compare(left, another) != ()


def test_a_search_leaves_out_what_changes():
    one, again = schema(view_v="at 1", view_w="x"), schema(view_v="at 2", view_w="x")
    _, changing = stable_between(one, again)
    left, right = (without_changing(s, changing) for s in (one, schema(view_v="at 3", view_w="x")))
    assert compare(left, right) == ()
    assert without_changing(one, NOTHING_CHANGES) is one


@pytest.mark.parametrize(
    ("live", "same"), [("at '3', a > 1", True), ("at '3', a > 2", False), ("a > 1", False)]
)
def test_a_single_schema_fits_where_only_what_changes_differs(live, same):
    stable, changing = stable_between(
        schema(view_v="at '1', a > 1"), schema(view_v="at '2', a > 1")
    )
    found = masked_like(schema(view_v=live), stable, changing)
    assert (compare(found, stable) == ()) == same
