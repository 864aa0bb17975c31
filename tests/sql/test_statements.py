import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.sql.checksum import normalize_newlines
from pgbraid.sql.parser import normalized_tokens, parse
from pgbraid.sql.script import line_and_column, line_at


def statements(text):
    return [text[s.start : s.end] for s in parse(text).statements]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" ;; -- nothing\n", []),
        ("a; b", ["a", "b"]),
        ("a;b;", ["a", "b"]),
        ("select ';'; b", ["select ';'", "b"]),
        ("do $$ begin; end $$; b", ["do $$ begin; end $$", "b"]),
        ("/* ; */ a /* ; */; b -- ;", ["a", "b"]),
        (
            "create rule r as on insert to t do (a; b); c",
            ["create rule r as on insert to t do (a; b)", "c"],
        ),
        (
            "create function f() returns int begin atomic select 1; select 2; end; b",
            ["create function f() returns int begin atomic select 1; select 2; end", "b"],
        ),
        (
            "create procedure p() begin atomic select case when a then 1 end; end; b",
            ["create procedure p() begin atomic select case when a then 1 end; end", "b"],
        ),
        (
            "create function f() returns int begin atomic select 1 as case; select 2 end; end; b",
            [
                "create function f() returns int begin atomic select 1 as case; select 2 end; end",
                "b",
            ],
        ),
        (
            "create function f() returns int begin atomic select 1 case; end; b",
            ["create function f() returns int begin atomic select 1 case; end", "b"],
        ),
        (
            "create function f() returns int begin atomic select r.end from r; select 2; end; b",
            [
                "create function f() returns int begin atomic select r.end from r; select 2; end",
                "b",
            ],
        ),
        (
            "create or replace function f() returns int begin atomic select case case 1 when 1 then"
            " 1 end when 1 then 2 end; end; b",
            [
                "create or replace function f() returns int begin atomic select case case 1 when 1"
                " then 1 end when 1 then 2 end; end",
                "b",
            ],
        ),
        (
            "create function f() returns int begin atomic end; b",
            ["create function f() returns int begin atomic end", "b"],
        ),
        ("create domain begin atomic; b", ["create domain begin atomic", "b"]),
        ("create table atomic (begin int); b", ["create table atomic (begin int)", "b"]),
        ("select 1 as begin; atomic; end; b", ["select 1 as begin", "atomic", "end", "b"]),
        ("a); b", ["a)", "b"]),
        ("a; 'open ; b", ["a", "'open ; b"]),
    ],
)
def test_statements_end_where_server_ends_them(text, expected):
    assert statements(text) == expected


def test_words_outside_brackets_are_upper_case():
    (statement,) = parse('Copy public."T" (from, stdin) From stdin With csv').statements
    assert statement.words == ("COPY", "PUBLIC", "FROM", "STDIN", "WITH", "CSV")


COPY = "a;\nCOPY t (x, y) FROM stdin;\n1\t';\n\\N\t--x\n\\.\nb;\n"


def test_copy_data_are_no_sql():
    script = parse(COPY)
    first, copy, last = script.segments()
    assert (first.sql, first.data) == ("a;", None)
    assert (copy.sql, *copy.data) == ("COPY t (x, y) FROM stdin", "1\t';\n\\N\t--x\n")
    assert (last.sql, last.data) == ("b;", None)
    assert COPY[last.offset :] == "b;\n"


def test_copy_data_end_at_end_of_file_too():
    (copy,) = parse("COPY t FROM STDIN;\n1\n2").segments()
    assert "".join(copy.data) == "1\n2"


def test_copy_data_may_be_empty():
    (copy,) = parse("COPY t FROM STDIN;\n\\.\n").segments()
    assert "".join(copy.data) == ""


def test_copy_data_keep_windows_line_ends():
    copy, last = parse("COPY t FROM stdin; -- data\r\n1\r\n\\.\r\nb").segments()
    assert "".join(copy.data) == "1\r\n"
    assert last.sql == "b"


@pytest.mark.parametrize("source", ["stdin", "STDOUT"])
def test_server_takes_both_names_for_client(source):
    assert parse(f"COPY t FROM {source};\n1\n\\.\n").statements[0].data is not None


def test_copy_from_file_or_query_has_no_data():
    script = parse("copy t from '/x'; copy (select 1 from stdin) to stdout;")
    assert [s.data for s in script.statements] == [None, None]


def test_restrict_is_skipped_and_positions_stay():
    text = "\\restrict tok;en'\r\nselect 1;\n\\unrestrict token"
    (segment,) = parse(text).segments()
    assert segment.sql == "select 1;"
    assert segment.offset == text.index("select")


def test_meta_command_in_middle_is_found_by_name():
    (meta,) = parse("select 1 \\gexec\nfoo").metas
    assert (meta.name, meta.start) == ("\\gexec", 9)


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN; a; COMMIT;",
        "-- c\nbegin work;\na;\ncommit",
        "START TRANSACTION; a; END;",
        "BEGIN; COMMIT;",
        "BEGIN; a; COMMIT TRANSACTION AND NO CHAIN;",
    ],
)
def test_one_begin_commit_round_everything_is_blanked_out(text):
    script = parse(text)
    assert script.wrapped
    sent = "".join(segment.sql for segment in script.segments())
    assert sent.strip("; \n") in {"a", ""}


def test_blanking_keeps_every_place():
    text = "BEGIN\n;\nselect 'é';\nCOMMIT;"
    (segment,) = parse(text).segments()
    assert text[segment.offset :].startswith(segment.sql)
    assert segment.sql == "select 'é';"


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN; a; COMMIT PREPARED 'x'",
        "BEGIN; a; COMMIT this is garbage",
        "BEGIN; a; END IF",
        "BEGIN; a; COMMIT AND CHAIN",
    ],
)
def test_only_plain_commit_ends_wrapping(text):
    assert not parse(text).wrapped


@pytest.mark.parametrize("text", ["a; BEGIN; COMMIT;", "BEGIN; a", "COMMIT", "BEGIN; COMMIT; a"])
def test_anything_else_is_not_wrapped(text):
    assert not parse(text).wrapped


def test_byte_order_mark_is_no_part_of_text():
    assert parse("\ufeffselect 1").text == "select 1"


@given(st.text(alphabet="ab;'\n\r\t é()$-/*\\"))
def test_segments_stand_in_text_where_they_say(text):
    script = parse(text)
    for segment in script.segments():
        raw = script.text[segment.offset : segment.offset + len(segment.sql)]
        hidden = {i for m in script.metas for i in range(m.start, m.end)}
        for index, (sent, stands) in enumerate(zip(segment.sql, raw, strict=True)):
            assert sent == stands or segment.offset + index in hidden
        assert all(0 <= start - segment.offset < len(segment.sql) for start in segment.starts)


@pytest.mark.parametrize(
    ("text", "offset", "expected"),
    [
        ("abc", 0, (1, 1)),
        ("abc", 2, (1, 3)),
        ("a\nbc", 3, (2, 2)),
        ("a\r\nbc", 4, (2, 2)),
        ("a\rbc", 2, (2, 1)),
        ("é\n→x", 3, (2, 2)),
        ("a\n", 2, (2, 1)),
    ],
)
def test_place_is_line_and_column_in_characters(text, offset, expected):
    assert line_and_column(text, offset) == expected


def test_line_of_offset_comes_without_its_end():
    assert line_at("a\r\nbéc\r\nd", 5) == ("béc", 2)


def test_line_ends_and_mark_are_normalised():
    assert normalize_newlines("\ufeffa\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 1", "SELECT  1 -- c\n"),
        ("select a,b", "select a , b"),
        ("select 1;", "select 1"),
        ("a; b", "a;\n\n/* c */ b;"),
        ("select x[1:2]", "select x [1 : 2]"),
        ("select x=-1", "select x = -1"),
        ("select a->>-1", "select a->> -1"),
        ("select 1*-1", "select 1 * -1"),
        ("select E'a'\n'b'", "select E'a' -- c\n    'b'"),
        ("select 'a'\n'b'", "select 'a'\n  'b'"),
    ],
)
def test_same_meaning(one, other):
    assert normalized_tokens(one) == normalized_tokens(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("select 'a'", "select 'A'"),
        ("select 'a b'", "select 'a  b'"),
        ('select "a"', 'select "A"'),
        ("select 1", "select 2"),
        ("a; b", "a b"),
        ("do $$ -- x\n $$", "do $$ -- y\n $$"),
        ("copy t from stdin;\na\tb\n\\.\n", "copy t from stdin;\na b\n\\.\n"),
        ("select 1", "-- pgbraid: no-transaction\nselect 1"),
        ("select É", "select é"),
        ("select 1 <= 2", "select 1 < = 2"),
        ("select 'a'\n'b'", "select 'a' 'b'"),
        ("select .5", "select . 5"),
        ("select a::int", "select a: :int"),
        ("select 1e-5", "select 1e - 5"),
        ("select 1", "\ufeff\ufeffselect 1"),
    ],
)
def test_another_meaning(one, other):
    assert normalized_tokens(one) != normalized_tokens(other)


PARTS = [
    "CREATE TABLE a (b int, \"c;\" text DEFAULT 'x;''y' -- d; e\n)",
    "create or replace function f() returns int language sql as $$ select 1; select 2 $$",
    "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $a$ select '$$;'; $a$",
    "create function h() returns int begin atomic select 1; select 2; end",
    "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
    "insert into t values (E'it\\'s; ', 1 - -1, 4/2, 'C:\\dir;')",
    "INSERT INTO t VALUES (1-1, 'a'\n'b', $b$;$b$, U&'\\0041;')",
    "/* ; */ UPDATE t SET a = b /* ; */",
    "ALTER TYPE mood ADD VALUE 'so;so'",
    "ALTER TABLE a$b ADD c$ int, ADD COLUMN \u00e9$x$ text",
    "COMMENT ON TABLE t IS 'a -- b; c'",
    "DO $$ BEGIN PERFORM 1; END $$",
    "COMMIT AND CHAIN",
    "SET x = 'y;'",
    "SELECT $1, '-->', 1 --> 2;\n",
    "",
]


@given(st.lists(st.sampled_from(PARTS)), st.sampled_from([";", ";\n\n", "; -- so;\n", " ;"]))
def test_regular_expression_agrees_with_lexer(parts, between):
    text = between.join(parts)
    quick = parse(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pgbraid.sql.parser.match_plain_statement", lambda *_: None)
        slow = parse(text)
    assert [(s.start, s.end, s.rest, s.data) for s in quick.statements] == [
        (s.start, s.end, s.rest, s.data) for s in slow.statements
    ]
    for one, other in zip(quick.statements, slow.statements, strict=True):
        assert one.words[:2] == other.words[:2]
    assert (quick.metas, quick.unterminated) == (slow.metas, slow.unterminated)


@pytest.mark.parametrize("text", PARTS)
def test_tool_directive_in_comment_is_kept_anywhere(text):
    script = parse(f"{text};\n-- pgbraid: x\nINSERT INTO t VALUES (1)-- migrate:down\n;")
    comments = [script.text[slice(*span)] for span in script.comments]
    assert comments[-2:] == ["-- pgbraid: x", "-- migrate:down"]


@pytest.mark.parametrize(
    "label",
    [
        "case OFFSET 0",
        "case FETCH FIRST ROW ONLY",
        "case INTERSECT SELECT 2",
        "case WINDOW w AS ()",
    ],
)
def test_label_named_case_does_not_end_atomic_body(label):
    text = (
        "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT 1 "
        f"{label}; END;\nCREATE TABLE x ();\nCOMMIT;"
    )
    assert [s.words[:1] for s in parse(text).statements] == [("CREATE",), ("CREATE",), ("COMMIT",)]
