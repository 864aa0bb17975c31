import hashlib

import pytest

from pgbraid.model.migration import digest, is_digest
from pgbraid.model.results import ModificationKind
from pgbraid.source.text_changes import classify_modification, unified_diff
from pgbraid.sql.checksum import same_but_line_ends

BOM = b"\xef\xbb\xbf"


def test_checksum_is_sha256_of_bytes():
    assert digest(b"a\r\n") == hashlib.sha256(b"a\r\n").hexdigest()


@pytest.mark.parametrize(
    "recorded", [b"a\nb\n", b"a\r\nb\r\n", BOM + b"a\nb\n", BOM + b"a\r\nb\r\n"]
)
@pytest.mark.parametrize("now", [b"a\nb\n", b"a\r\nb\r\n", BOM + b"a\nb\n", b"a\r\nb\n"])
def test_line_ends_and_mark_are_never_drift(recorded, now):
    assert same_but_line_ends(digest(recorded), now)


def test_another_text_is_drift():
    assert not same_but_line_ends(digest(b"a\n"), b"b\n")


@pytest.mark.parametrize(
    ("recorded", "now", "kind"),
    [
        ("select 1", "select 1", None),
        ("select 1\n", "\ufeffselect 1\r\n", None),
        ("select 1", "select 1 -- why", ModificationKind.COSMETIC),
        ("select 1", "  SELECT\n1;", ModificationKind.COSMETIC),
        ("select 1", "select 2", ModificationKind.MEANING),
        (None, "select 1", ModificationKind.UNKNOWN),
        (
            "-- +goose Up\ncreate a;\n-- +goose Down\ndrop a;",
            "create a;\ndrop a;",
            ModificationKind.MEANING,
        ),
        (
            "-- +goose Up\ncreate a;\n-- +goose Down\ndrop a;",
            "-- +goose Up\ncreate a;\n-- +goose Down\ndrop b;",
            ModificationKind.COSMETIC,
        ),
        ("select 1", "-- +goose NO TRANSACTION\nselect 1", ModificationKind.MEANING),
    ],
)
def test_change_of_comments_differs_from_change_of_meaning(recorded, now, kind):
    assert classify_modification(recorded, now) is kind


def test_diff_leads_from_applied_text_to_file():
    diff = unified_diff("a\nb\n", "a\r\nc\r\n", "1_x.sql").splitlines()
    assert diff[:2] == ["--- 1_x.sql as applied", "+++ 1_x.sql on disk"]
    assert diff[3:] == [" a", "-b", "+c"]


def test_diff_from_nothing_shows_everything():
    assert unified_diff("", "a", "x").splitlines()[-1] == "+a"


def test_long_diff_is_cut():
    diff = unified_diff("", "\n".join(map(str, range(500))), "x").splitlines()
    assert len(diff) == 61
    assert diff[-1] == "… (the rest is omitted)"


@pytest.mark.parametrize(("text", "answer"), [("a" * 64, True), ("A" * 64, False), ("ab", False)])
def test_form_of_checksum(text, answer):
    assert is_digest(text) is answer
