"""The blocks of two orders, and the drawing of their strands."""

from collections import Counter
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgbraid.page.drawing.braid_layout import LABEL_HEIGHT, lay_out_braid
from pgbraid.page.order.blocks import MOST_BLOCKS, braid_of
from pgbraid.page.order.placed import inversions_of, place_migrations
from tests.fixtures.pages import line, placed, row


def text_of(heading):
    return ", ".join(heading.runs)


def blocks(order, **options):
    braid = braid_of(placed(order, **options))
    return [[migration.version for migration in block.migrations] for block in braid.blocks]


def drawing(order, *, pair=(), **options):
    return lay_out_braid(braid_of(placed(order, **options), pair), text_of)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([], []),
        ([7], [[7]]),
        (range(300), [list(range(300))]),
        ([1, 3, 2], [[1], [3], [2]]),
        ([1, 2, 5, 3, 4, 6], [[1, 2], [5], [3, 4], [6]]),
        ([5, 4, 3, 2, 1], [[5], [4], [3], [2], [1]]),
    ],
)
def test_block_is_what_stands_together_in_both_orders(order, expected):
    assert blocks(list(order)) == expected


def test_migration_that_moved_past_200_others_makes_three_blocks():
    order = [1, *range(3, 203), 2]
    assert [len(block) for block in blocks(order)] == [1, 200, 1]
    drawn = drawing(order)
    moved = [strand for strand in drawn.strands if strand.kind == "moved"]
    assert len(moved) == 1
    assert sum(moved[0].crosses(other) for other in drawn.strands) == 1
    assert inversions_of(order) == 200


def test_two_out_of_order_that_keep_their_order_do_not_cross():
    drawn = drawing([1, 4, 5, 2, 6, 3])
    two, three = (s for s in drawn.strands if s.kind == "moved")
    assert not two.crosses(three)
    assert two.left < three.left
    assert two.right < three.right


def test_blocks_in_order_are_level():
    drawn = drawing([1, 2, 9, 4, 10, 3, 11, 5])
    level = [strand for strand in drawn.strands if strand.kind == "order"]
    assert len(level) == 4
    assert all(strand.left == strand.right for strand in level)


def test_run_with_a_migration_out_of_order_has_a_heading_of_its_own():
    braid = braid_of(placed([1, 2, 3, 5, 6, 4, 7, 8, 9], runs=(0, 1, 2, 4, 7, 8)))
    assert [heading.runs for heading in braid.headings] == [
        ("run 1", "run 2", "run 3"),
        ("run 4",),
        ("run 5", "run 6"),
    ]
    assert [heading.block for heading in braid.headings] == [0, 2, 5]


def test_pending_migrations_end_below_all_others():
    drawn = drawing([1, 3, 4], pending=[2, 5])
    assert len(drawn.ends) == 2
    assert min(end.y for end in drawn.ends) > max(s.right for s in drawn.strands if not s.pending)
    assert [heading.text for heading in drawn.headings] == ["run 0", ""]
    assert {s.kind for s in drawn.strands if s.pending} == {"order", "moved"}


def test_pair_stands_alone_and_has_a_ring_where_it_crosses():
    drawn = drawing([*range(1, 6), *range(7, 20), 6], pair=(12, 6))
    assert [s.kind for s in drawn.strands][-2:] == ["pair", "pair"]
    (ring,) = drawn.rings
    twelve, six = (s for s in drawn.strands if s.kind == "pair")
    assert min(six.left, six.right) < ring.y < max(six.left, six.right)
    assert ring.y == pytest.approx(twelve.left)


def test_pair_in_order_on_both_sides_has_no_ring():
    assert not drawing([1, 2, 3], pair=(1, 3)).rings


def test_migrations_of_one_time_without_a_journal_make_one_block():
    found = place_migrations([row(version) for version in (1, 2, 3)], (), {})
    assert len(braid_of(found).blocks) == 1
    assert not any(migration.ordered for migration in found)


def test_line_of_the_journal_gives_the_place_and_not_the_time_of_the_row():
    rows = [row(version) for version in (1, 2, 3)]
    found = place_migrations(rows, [line(5, 1), line(6, 3), line(7, 2)], {})
    assert [migration.version for migration in found] == [1, 3, 2]
    assert [migration.out_of_order for migration in found] == [False, False, True]


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([v for v in range(3000) if v % 3] + list(range(0, 3000, 3)), id="every third"),
        pytest.param(list(range(900, 0, -1)), id="reversed"),
    ],
)
def test_oldest_migrations_out_of_order_are_left_out_of_a_large_drawing(order):
    migrations = placed(order)
    braid = braid_of(migrations)
    assert MOST_BLOCKS * 0.9 < len(braid.blocks) <= MOST_BLOCKS
    drawn = [migration.version for block in braid.blocks for migration in block.migrations]
    omitted = {migration.version for migration in braid.omitted}
    assert sorted([*drawn, *omitted]) == sorted(order)
    assert all(migration.out_of_order for migration in braid.omitted)
    kept = [m.place for m in migrations if m.out_of_order and m.version not in omitted]
    assert max(m.place for m in braid.omitted) < min(kept)


def test_pair_is_never_left_out():
    order = [v for v in range(3000) if v % 3] + list(range(0, 3000, 3))
    braid = braid_of(placed(order), pair=(500, 3))
    assert [block.first.version for block in braid.blocks if block.pair] == [500, 3]


orders = st.integers(0, 60).flatmap(lambda size: st.permutations(range(size)))


@settings(deadline=None, max_examples=200)
@given(orders)
def test_crossings_are_inversions_and_blocks_are_a_partition(order):
    braid = braid_of(placed(order))
    drawn = lay_out_braid(braid, text_of)
    assert sorted(m.version for block in braid.blocks for m in block.migrations) == sorted(order)
    sizes = {
        (strand.left, strand.right): len(block.migrations)
        for block in braid.blocks
        for strand in drawn.strands
        if strand.title.startswith(block.first.label + " ")
        or strand.title.startswith(block.first.label + ":")
    }
    crossed = sum(
        sizes[one.left, one.right] * sizes[other.left, other.right]
        for one, other in combinations(drawn.strands, 2)
        if one.crosses(other)
    )
    swapped = sum(a > b for a, b in combinations(order, 2))
    assert crossed == swapped == inversions_of(order)


@settings(deadline=None, max_examples=200)
@given(orders, st.sets(st.integers(0, 59)), st.integers(0, 10))
def test_no_two_labels_of_a_rail_overlap(order, runs, pending):
    split = max(len(order) - pending, 0)
    drawn = drawing(order[:split], pending=sorted(order[split:]), runs=runs)
    for side in ("left", "right"):
        heights = sorted(label.y for label in drawn.labels if label.side == side)
        lines = [h.y + LABEL_HEIGHT / 2 + 3 for h in drawn.headings] if side == "right" else []
        both = sorted([*heights, *lines])
        assert all(b - a >= LABEL_HEIGHT - 0.01 for a, b in pairwise(both))
        assert all(0 < y < drawn.height for y in both)
    sides = ("left", "right")
    for side in sides:
        spans = sorted(
            (getattr(s, side) - s.size / 2, getattr(s, side) + s.size / 2) for s in drawn.strands
        )
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda size: st.permutations(range(size))), st.integers(8, 60))
def test_large_drawing_has_at_most_its_number_of_blocks(order, most):
    braid = braid_of(placed(order), most=most)
    assert len(braid.blocks) <= most
    shown = Counter(m.version for block in braid.blocks for m in block.migrations)
    shown.update(m.version for m in braid.omitted)
    assert shown == Counter(order)
