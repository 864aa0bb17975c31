"""Two texts side by side."""

from hypothesis import given
from hypothesis import strategies as st

from pgbraid.page.sections.text_diff import side_by_side


def plain(rows):
    """Return each row as the texts of both sides, with changed words in brackets."""
    return [
        row.skipped
        or tuple(
            cell and "".join(f"[{s.text}]" if s.changed else s.text for s in cell.spans)
            for cell in (row.left, row.right)
        )
        for row in rows
    ]


def test_changed_words_of_a_line_are_marked():
    assert plain(side_by_side("a\nRETURN old + 1;\nb", "a\nRETURN new + 1;\nb")) == [
        ("a", "a"),
        ("RETURN [old] + 1;", "RETURN [new] + 1;"),
        ("b", "b"),
    ]


def test_line_of_one_side_stands_alone():
    assert plain(side_by_side("a\nb", "a\nc\nb")) == [("a", "a"), (None, "[c]"), ("b", "b")]


def test_unlike_lines_are_marked_whole():
    assert plain(side_by_side("SELECT 1", "DROP TABLE x")) == [("[SELECT 1]", "[DROP TABLE x]")]


def test_long_equal_part_is_left_out():
    same = [f"line {number}" for number in range(50)]
    rows = plain(side_by_side("\n".join(["x", *same]), "\n".join(["y", *same, "z"])))
    assert rows[1:4] == [("line 0",) * 2, ("line 1",) * 2, ("line 2",) * 2]
    assert rows[4] == "… 44 equal lines"
    assert rows[-1] == (None, "[z]")


def test_long_text_is_cut():
    rows = plain(side_by_side("\n".join(map(str, range(5000))), ""))
    assert len(rows) < 310
    assert rows[-1][0] == "[… 4,700 more lines]"


texts = st.text(alphabet="ab \n\t\u202e;", max_size=60)


@given(texts, texts)
def test_both_sides_have_all_their_lines(left, right):
    rows = [row for row in side_by_side(left, right) if not row.skipped]
    numbers = [row.left.number for row in rows if row.left]
    assert numbers == sorted(set(numbers))
    if left == right:
        assert not any(cell.changed for row in rows for cell in (row.left, row.right))
