"""The constant parts of texts that change between replays."""

import pytest

from pgbraid.postgres.catalog.changing_text import Texts, constant_parts


def texts(one, again):
    return Texts(*({n: (text, 1) for n, text in enumerate(values)} for values in (one, again)))


def test_word_that_changes_is_left_out_and_its_neighbours_are_kept():
    first = texts(['{"by": "ann", "at": 1.5}'], ['{"by": "ann", "at": 1.7}'])
    same = texts(['{"by": "ann", "at": 2.5}'], ['{"by": "ann", "at": 2.7}'])
    other = texts(['{"by": "eve", "at": 2.5}'], ['{"by": "eve", "at": 2.7}'])
    ours, theirs = constant_parts(first, same)
    assert ours == theirs
    ours, theirs = constant_parts(first, other)
    assert ours != theirs


def test_word_that_changes_in_one_order_is_left_out_of_both():
    left = texts(["code 7 at 1"], ["code 7 at 2"])
    right = texts(["code 8 at 3"], ["code 9 at 4"])
    ours, theirs = constant_parts(left, right)
    assert ours == theirs


def test_order_of_rows_has_no_effect():
    left = texts(["ann 1", "eve 2"], ["eve 3", "ann 4"])
    right = texts(["eve 5", "ann 6"], ["ann 7", "eve 8"])
    ours, theirs = constant_parts(left, right)
    assert sorted(ours.values()) == sorted(theirs.values())
    assert len(set(ours.values())) == 2


@pytest.mark.parametrize(
    ("one", "again"),
    [
        (["a/b"], ["c=d=e"]),
        (["1"], ["2"]),
        (["ann x 1", "eve y 2"], ["ann y 3", "eve x 4"]),
    ],
)
def test_no_constant_parts_where_texts_cannot_be_matched(one, again):
    assert constant_parts(texts(one, again)) is None
