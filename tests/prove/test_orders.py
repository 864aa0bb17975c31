"""The orders between two: adjacent swaps, bisection, delta debugging."""

from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.prove.search.orders import SwapChain, bisect_change, common_prefix, ddmin, out_of_order

ORDERS = st.integers(0, 12).flatmap(lambda n: st.permutations(range(n)))


def same(item):
    return item


@given(ORDERS)
def test_chain_leads_from_one_order_to_other_by_swaps_of_inverted_neighbours(order):
    chain = SwapChain(order, sorted(order), same)
    inversions = sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])
    assert len(chain) == inversions
    assert chain[0] == tuple(order)
    assert chain[len(chain)] == tuple(sorted(order))
    for number in range(len(chain)):
        swap = chain.swap(number)
        length = len(swap.before)
        assert swap.first > swap.second
        assert chain[number][: length + 2] == (*swap.before, swap.first, swap.second)
        assert chain[number + 1][: length + 2] == (*swap.before, swap.second, swap.first)
        assert chain[number][length + 2 :] == chain[number + 1][length + 2 :]


@given(ORDERS, st.data())
def test_end_may_be_any_order(order, data):
    end = data.draw(st.permutations(order))
    chain = SwapChain(order, end, same)
    assert chain[len(chain)] == tuple(end)


@given(st.integers(1, 2000), st.data())
def test_bisection_finds_change_in_few_questions(length, data):
    values = data.draw(st.lists(st.integers(0, 3), min_size=length + 1, max_size=length + 1))
    values[0], values[-1] = 0, 1
    questions = []

    def differs(low, middle):
        questions.append(middle)
        return values[low] != values[middle]

    position = bisect_change(length, differs)
    assert values[position] != values[position + 1]
    assert len(questions) <= (ceil(log2(length)) if length > 1 else 0)


@given(st.integers(1, 2000), st.data())
def test_likely_change_is_found_in_few_questions(length, data):
    """Even with wrong likelihoods, about twice the logarithm of questions finds the change."""
    change = data.draw(st.integers(0, length - 1))
    likely = data.draw(st.integers(0, length - 1))
    share = data.draw(st.floats(0, 0.5))
    likelihoods = [(1 - share) / length + (share if n == likely else 0) for n in range(length)]
    questions = []

    def differs(low, middle):
        questions.append(middle)
        return low <= change < middle

    assert bisect_change(length, differs, likelihoods) == change
    assert len(questions) <= (2 * ceil(log2(length)) + 2 if length > 1 else 0)
    assert len(set(questions)) == len(questions)


def test_likeliest_change_is_tried_first():
    questions = []

    def differs(low, middle):
        questions.append(middle)
        return low <= 70 < middle

    assert bisect_change(100, differs, [10.0 if n == 70 else 0.01 for n in range(100)]) == 70
    assert sorted(questions) == [70, 71]


@given(st.lists(st.integers(0, 30), unique=True, max_size=12))
def test_pairs_of_chain_are_those_of_its_swaps(order):
    chain = SwapChain(order, sorted(order), same)
    swaps = [chain.swap(number) for number in range(len(chain))]
    assert list(chain.pairs()) == [(swap.first, swap.second) for swap in swaps]


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60), max_size=6))
def test_shrinking_keeps_only_needed_items(items, needed):
    needed &= items
    shrunk = ddmin(sorted(items), lambda some: needed <= set(some))
    assert set(shrunk) == needed


def test_shrinking_may_end_where_nothing_is_monotone():
    shrunk = ddmin(range(20), lambda some: len(some) % 2 == 0 and 3 in some and 8 in some)
    assert {3, 8} <= set(shrunk)
    for item in shrunk:
        rest = [i for i in shrunk if i != item]
        assert not (len(rest) % 2 == 0 and {3, 8} <= set(rest))


@pytest.mark.parametrize(
    ("left", "right", "prefix"),
    [((), (), ()), ((1, 2, 3), (1, 3, 2), (1,)), ((1, 2), (1, 2), (1, 2)), ((2,), (1,), ())],
)
def test_common_prefix(left, right, prefix):
    assert common_prefix(left, right) == prefix


def test_out_of_order_versions_follow_higher_one():
    assert out_of_order((1, 4, 2, 5, 3), same) == (2, 3)
    assert out_of_order((1, 2, 3), same) == ()
