import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.sql.lexer import next_token

PARTS = st.sampled_from(
    [
        *("'", '"', "$$", "$a$", "--", "/*", "*/", "\\", ";", "E'", "U&'", "e", "é", "$1"),
        *("(", ")", "x", "1", "+", "::", "BEGIN", "\\.", "copy", "\n", "\r\n", " ", "\x00"),
    ]
)


def kinds(text):
    position, tokens = 0, []
    while position < len(text):
        token = next_token(text, position)
        if token.kind != "space":
            tokens.append((token.kind, text[token.start : token.end]))
        position = token.end
    return tokens


@given(st.one_of(st.text(), st.lists(PARTS).map("".join)))
def test_tokens_cover_any_text_without_hole(text):
    position = 0
    while position < len(text):
        token = next_token(text, position)
        assert token.start == position
        assert token.end > position
        position = token.end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'it''s'", [("string", "'it''s'")]),
        (r"'\'", [("string", r"'\'")]),
        (r"E'\''", [("escape", r"E'\''")]),
        ("e'a''b'", [("escape", "e'a''b'")]),
        ("E'a'\n'\\'b'", [("escape", "E'a'\n'\\'b'")]),
        ("E'a' -- c\n '\\'b'", [("escape", "E'a' -- c\n '\\'b'")]),
        ("E'a' 'b'", [("escape", "E'a'"), ("string", "'b'")]),
        ("U&'d\\0061'", [("string", "U&'d\\0061'")]),
        ('"a""b"', [("quoted", '"a""b"')]),
        ('U&"a"', [("quoted", 'U&"a"')]),
        ("$$ ; ' $$", [("dollar", "$$ ; ' $$")]),
        ("$a$ $$ $b$ $a$", [("dollar", "$a$ $$ $b$ $a$")]),
        ("$é$ x $é$", [("dollar", "$é$ x $é$")]),
        ("a$b$c", [("word", "a$b$c")]),
        ("$1", [("param", "$1")]),
        ("/* /* ; */ ' */", [("block", "/* /* ; */ ' */")]),
        ("--;\n;", [("comment", "--;"), ("semicolon", ";")]),
        ("--;\r;", [("comment", "--;"), ("semicolon", ";")]),
        ("1--2\n", [("number", "1"), ("comment", "--2")]),
        ("@-/*x*/", [("operator", "@-"), ("block", "/*x*/")]),
        ("(a)", [("open", "("), ("word", "a"), ("close", ")")]),
        (r"\copy t", [("meta", r"\copy"), ("word", "t")]),
        ("\xa0x", [("word", "\xa0x")]),
        ("'open", [("unterminated", "'open")]),
        ('"open', [("unterminated", '"open')]),
        ("E'open\\'", [("unterminated", "E'open\\'")]),
        ("$a$ open $b$", [("unterminated", "$a$ open $b$")]),
        ("/* /* */", [("unterminated", "/* /* */")]),
        ("'a''", [("unterminated", "'a''")]),
    ],
)
def test_lexical_rules_of_server(text, expected):
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=-1", [("operator", "="), ("operator", "-"), ("number", "1")]),
        ("->>-1", [("operator", "->>"), ("operator", "-"), ("number", "1")]),
        ("@-1", [("operator", "@-"), ("number", "1")]),
        ("*-+x", [("operator", "*"), ("operator", "-"), ("operator", "+"), ("word", "x")]),
        ("1e-5", [("number", "1e-5")]),
        ("1.5E+3", [("number", "1.5E+3")]),
        (".5", [("number", ".5")]),
        ("a::b", [("word", "a"), ("mark", "::"), ("word", "b")]),
        ("a:=b", [("word", "a"), ("mark", ":="), ("word", "b")]),
        ("1..2", [("number", "1"), ("mark", ".."), ("number", "2")]),
    ],
)
def test_operators_and_numbers_are_cut_as_server_cuts_them(text, expected):
    assert kinds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "E'a'\n" + " " * 50_000 + "x",
        "E'a' " + "-" * 50_000 + "\nx",
        "E'a'" + "\n--x" * 50_000,
        "E'a'" + " \n" * 50_000,
        "/*" * 50_000,
        "$" * 50_000,
        "'a'\n" * 50_000,
    ],
)
def test_no_text_takes_more_than_its_length(text):
    assert kinds(text)


def test_long_open_string_takes_no_quadratic_time():
    text = "'" + "''" * 200_000 + "x"
    assert kinds(text) == [("unterminated", text)]
