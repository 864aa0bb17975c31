"""What two schemas, as values, differ in, and how that is graded and told."""

import pytest

from pgbraid.core.proof import Verdict, verdict_of
from pgbraid.core.snapshot import (
    COLUMN_ORDER,
    DATA,
    ENUM_ORDER,
    SEQUENCES,
    Facet,
    Part,
    Snapshot,
    compare,
    facets_that_differ,
    ignoring,
    with_role,
)
from pgbraid.core.snapshot_text import compare_texts, text_of


def snapshot(parents=None, **parts):
    columns = {"pg_class": ("relowner", "relacl"), "pg_attribute": ("type",)}
    names = {"order": COLUMN_ORDER, "enum": ENUM_ORDER, "rows": DATA, "sequences": SEQUENCES}
    made = {
        names.get(name, name): Part(columns.get(name, ("value",)), rows)
        for name, rows in parts.items()
    }
    return Snapshot(made, parents or {})


ORDER = {"table t": ("a\nb\nc",)}


@pytest.mark.parametrize(
    ("part", "left", "right", "facet"),
    [
        ("pg_class", {"table t": ("me", "{}")}, {"table t": ("you", "{}")}, Facet.SCHEMA),
        ("pg_class", {"table t": ("me", "{}")}, {}, Facet.SCHEMA),
        ("order", ORDER, {"table t": ("a\nc\nb",)}, Facet.COLUMN_ORDER),
        ("enum", ORDER, {"table t": ("c\na\nb",)}, Facet.ENUM_ORDER),
        ("rows", {"rows of table t": ("2",)}, {"rows of table t": ("3",)}, Facet.DATA),
        ("rows", {"rows of table t": ("2",)}, {}, Facet.DATA),
        ("sequences", {"s": ("2",)}, {"s": ("3",)}, Facet.SEQUENCES),
    ],
)
def test_each_difference_has_its_facet(part, left, right, facet):
    a, b = snapshot(**{part: left}), snapshot(**{part: right})
    assert facets_that_differ(a, b) == {facet}
    assert [difference.facet for difference in compare(a, b)] == [facet]
    assert compare(a, a) == ()


@pytest.mark.parametrize("lists", [("a\nb\nc", "a\nc"), ("a\nb", "a\nb\nz"), ("a", "")])
def test_what_one_order_lacks_is_no_other_order(lists):
    left, right = ({"table t": (text,)} for text in lists)
    assert facets_that_differ(snapshot(order=left), snapshot(order=right)) == set()


def test_parts_of_what_is_on_one_side_only_are_not_told():
    rows = {"column t.a": ("int",), "column u.a": ("int",)}
    left = snapshot(
        {"column t.a": "table t"}, pg_class={"table t": ("me", "{}")}, pg_attribute=rows
    )
    right = snapshot(pg_class={}, pg_attribute={"column u.a": ("text",)})
    assert [d.name for d in compare(left, right)] == ["column u.a", "table t"]


@pytest.mark.parametrize(
    ("facets", "verdict"),
    [
        (set(), Verdict.SAME),
        ({Facet.SEQUENCES}, Verdict.SAME),
        ({Facet.COLUMN_ORDER, Facet.SEQUENCES}, Verdict.COLUMN_ORDER),
        ({Facet.COLUMN_ORDER, Facet.ENUM_ORDER}, Verdict.ENUM_ORDER),
        ({Facet.COLUMN_ORDER, Facet.DATA}, Verdict.DIFFERENT),
        ({Facet.SCHEMA}, Verdict.DIFFERENT),
    ],
)
def test_the_gravest_facet_is_the_verdict(facets, verdict):
    assert verdict_of(facets) is verdict


def test_patterns_pass_over_objects_and_facts():
    left = snapshot(pg_class={"table t": ("me", "1"), "table u": ("me", "1")})
    right = snapshot(pg_class={"table t": ("you", "2"), "table u": ("me", "2")})
    found = compare(left, right)
    kept, ignored = ignoring(found, ["*: privileges"])
    assert [(d.name, [f.name for f in d.facts]) for d in kept] == [("table t", ["relowner"])]
    assert ignored == 1
    assert ignoring(found, ["table *"]) == ((), 2)
    assert ignoring(found, ["view *"]) == (found, 0)


def test_one_role_may_stand_for_another():
    ours = snapshot(
        pg_class={"table t": ("scratch", "{scratch=r/scratch,=r/scratch,scratchy=r/x}")}
    )
    theirs = snapshot(pg_class={"table t": ("app", "{=r/app,app=r/app,scratchy=r/x}")})
    assert with_role(ours, "scratch", "app") == theirs


def test_the_text_has_what_differs_from_the_usual():
    text = text_of(
        snapshot(pg_class={"table t": ("me", "{me=r/me,=r/me}"), "table\nu": ("", "")}, order=ORDER)
    )
    assert "[table t]\nowner = me\nprivileges = {me=r/me,=r/me}\ncolumns = a, b, c\n" in text
    assert "[table\\nu]" in text
    assert compare_texts(text, text, "x") == []
    assert "-owner = me" in compare_texts(text, text.replace("= me", "= you"), "x")
