"""The differences between two schemas: their facets, their names, and patterns that ignore them."""

import pytest

from pgbraid.model.proof import Verdict, verdict_of
from pgbraid.model.snapshot import (
    COLUMN_ORDER,
    DATA,
    ENUM_ORDER,
    SEQUENCES,
    CatalogRows,
    Facet,
    Snapshot,
)
from pgbraid.prove.comparison.schema_diff import (
    diff_snapshots,
    differing_facets,
    filter_differences,
    with_role,
)
from pgbraid.prove.comparison.snapshot_text import diff_snapshot_texts, format_snapshot


def snapshot(parents=None, **parts):
    columns = {"pg_class": ("relowner", "relacl"), "pg_attribute": ("type",)}
    names = {"order": COLUMN_ORDER, "enum": ENUM_ORDER, "rows": DATA, "sequences": SEQUENCES}
    made = {
        names.get(name, name): CatalogRows(columns.get(name, ("value",)), rows)
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
    assert differing_facets(a, b) == {facet}
    assert [difference.facet for difference in diff_snapshots(a, b)] == [facet]
    assert diff_snapshots(a, a) == ()


@pytest.mark.parametrize("lists", [("a\nb\nc", "a\nc"), ("a\nb", "a\nb\nz"), ("a", "")])
def test_missing_entry_is_no_other_order(lists):
    left, right = ({"table t": (text,)} for text in lists)
    assert differing_facets(snapshot(order=left), snapshot(order=right)) == set()


def test_parts_of_one_sided_object_are_not_listed():
    rows = {"column t.a": ("int",), "column u.a": ("int",)}
    left = snapshot(
        {"column t.a": "table t"}, pg_class={"table t": ("me", "{}")}, pg_attribute=rows
    )
    right = snapshot(pg_class={}, pg_attribute={"column u.a": ("text",)})
    assert [d.name for d in diff_snapshots(left, right)] == ["column u.a", "table t"]


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
def test_gravest_facet_is_verdict(facets, verdict):
    assert verdict_of(facets) is verdict


def test_patterns_pass_over_objects_and_facts():
    left = snapshot(pg_class={"table t": ("me", "1"), "table u": ("me", "1")})
    right = snapshot(pg_class={"table t": ("you", "2"), "table u": ("me", "2")})
    differences = diff_snapshots(left, right)
    remaining, ignored = filter_differences(differences, ["*: privileges"])
    assert [(d.name, [f.name for f in d.attributes]) for d in remaining] == [
        ("table t", ["relowner"])
    ]
    assert ignored == 1
    assert filter_differences(differences, ["table *"]) == ((), 2)
    assert filter_differences(differences, ["view *"]) == (differences, 0)


def test_one_role_may_stand_for_another():
    ours = snapshot(
        pg_class={"table t": ("scratch", "{scratch=r/scratch,=r/scratch,scratchy=r/x}")}
    )
    theirs = snapshot(pg_class={"table t": ("app", "{=r/app,app=r/app,scratchy=r/x}")})
    assert with_role(ours, "scratch", "app") == theirs


def test_text_lists_deviations_from_defaults():
    text = format_snapshot(
        snapshot(pg_class={"table t": ("me", "{me=r/me,=r/me}"), "table\nu": ("", "")}, order=ORDER)
    )
    assert "[table t]\nowner = me\nprivileges = {me=r/me,=r/me}\ncolumns = a, b, c\n" in text
    assert "[table\\nu]" in text
    assert diff_snapshot_texts(text, text, "x") == []
    assert "-owner = me" in diff_snapshot_texts(text, text.replace("= me", "= you"), "x")
