import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.model.migration import Migration
from pgbraid.sql import stream
from pgbraid.sql.checks.script_checks import check_parts, check_script
from pgbraid.sql.parser import parse
from pgbraid.sql.stream import split_stream

PARTS = [
    "CREATE TABLE a (b int, \"c;\" text DEFAULT 'x;''y' -- d; e\n);",
    "create function f() returns int language sql as $$ select 1;\n select 2 $$;\n",
    "create function h() returns int begin atomic select 1; select 2; end;",
    "COPY t (a, b) FROM stdin; -- so\n1\t;\n\\.x\n\\\n2\t3\n\\.\n",
    "COPY t FROM stdin;\r\n1\r\n\\.\r\n",
    "COPY t FROM stdin;\n\\.\n",
    "/* ; */ INSERT INTO t VALUES (E'it\\'s; ');\n\n",
    "\\restrict abc;def\n",
    "-- pgbraid: x;\n",
    "begin; ",
    "commit;",
    "SELECT 'é→;';\r\n",
    "SELECT 1",
    "; ;",
    "'never closed; ",
]
FILE = Migration(1, "a", "1_a.sql", "", 0, "1_a.sql", "1")


def cut(text, sizes):
    """Cut a text into parts, never between CR and LF."""
    position = 0
    for size in sizes:
        end = position + size
        while text[end - 1 : end] == "\r":
            end += 1
        yield text[position:end]
        position = end
    yield text[position:]


texts = st.lists(st.sampled_from(PARTS)).map("".join)
sizes = st.lists(st.integers(1, 40))


def flat(text):
    script = parse(text)
    statements = [
        (script.place(s.start), text[s.start : s.end], s.words[:1]) for s in script.statements
    ]
    return statements, "".join(text[slice(*s.data)] for s in script.statements if s.data)


@given(texts, sizes, st.integers(1, 60))
def test_parts_are_whole(text, sizes, window):
    statements, data = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_WINDOW", window)
        for part in split_stream(cut(text, sizes)):
            script = part.script
            for s in script.statements:
                statements.append(
                    (script.place(s.start), script.text[s.start : s.end], s.words[:1])
                )
                if s.data:
                    data.append(script.text[slice(*s.data)])
            data += part.data or ()
    assert (statements, "".join(data)) == flat(text)


@given(texts, sizes, st.integers(1, 60))
def test_problems_of_parts_are_those_of_whole_text(text, sizes, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_WINDOW", window)
        scripts = (part.script for part in split_stream(cut(text, sizes)))
        problems = check_parts(FILE, scripts)
    key = lambda p: (p.code, str(p.location))  # noqa: E731
    assert sorted(problems, key=key) == sorted(check_script(FILE, parse(text)), key=key)


def test_unread_data_is_skipped(monkeypatch):
    monkeypatch.setattr(stream, "_WINDOW", 8)
    text = "COPY t FROM stdin;\n" + "1\n" * 100 + "\\.\nSELECT 2;"
    words = [s.words for part in split_stream([text]) for s in part.script.statements]
    assert words == [("COPY", "T", "FROM", "STDIN"), ("SELECT",)]


def test_part_is_sent_without_wrapping_of_file(monkeypatch):
    monkeypatch.setattr(stream, "_WINDOW", 8)
    parts = list(split_stream(["BEGIN;\nSELECT 1;\n", "SELECT 2; COMMIT;"]))
    sent = [
        s.sql.split()
        for part in parts
        for s in part.script.without_transaction_control().segments()
    ]
    assert sent == [["SELECT", "1;"], ["SELECT", "2;"]]


def test_no_more_than_window_is_held():
    def chunks():
        for n in range(200):
            yield f"INSERT INTO t VALUES ({n}, '{'x' * 25_000}"
            yield f"{'y' * 25_000}');\n"

    longest = max(len(part.script.text) for part in split_stream(chunks()))
    assert longest < 2 * stream._WINDOW
