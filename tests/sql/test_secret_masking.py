import pytest

from pgbraid.source.text_changes import unified_diff
from pgbraid.sql import secrets
from pgbraid.sql.secrets import mask, secrets_in

TEXTS = [
    "PASSWORD 'hunter2x'",
    "CREATE ROLE a PASSWORD 'hunter2x' LOGIN",
    "alter user a encrypted password E'hunter2x'",
    "alter user a password E'hu\\'nter2x'",
    "CREATE ROLE a PASSWORD $$hunter2x$$",
    "CREATE ROLE a PASSWORD $p$hunter2x$p$",
    "CREATE ROLE a PASSWORD\n  -- soon\n 'hunter2x'",
    "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'hunter2x')",
    "SELECT set_config('my.password', 'hunter2x', true)",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2x user=u' PUBLICATION p",
    "SELECT dblink_connect('postgresql://u:hunter2x@h/d')",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''hunter2x'''; END $$",
    "CREATE ROLE a PASSWORD 'hunter2x;\nSELECT 1",
    "CREATE ROLE a PASSWORD 'yy' 'hunter2x'",
    "SET app.password TO 'hunter2x'",
    "ALTER ROLE a SET app.jwt_secret TO 'hunter2x'",
    "SELECT set_config('app.jwt_secret', 'hunter2x', false)",
    'INSERT INTO settings VALUES (\'{"password": "hunter2x"}\')',
    "CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:pww@h/d?sslpassword=hunter2x' PUBLICATION p",
    "SQL statement \"CREATE ROLE a PASSWORD 'hunter2x'\"",
    'error in "x" of SQL statement "CREATE ROLE "a b" PASSWORD \'hunter2x\'" and so on',
]
LIKELY = [
    "INSERT INTO users (name, password) VALUES ('xyz', 'hunter2x')",
    "UPDATE pg_authid SET rolpassword = crypt('hunter2x', gen_salt('bf'))",
    "DO $$ BEGIN EXECUTE format('CREATE ROLE %I PASSWORD %L', 'me', 'hunter2x'); END $$",
    "SELECT 'CREATE ROLE x PASSWORD ' || quote_literal('hunter2x')",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_spelling_of_password_is_found_and_hidden_at_its_length(text):
    secrets = secrets_in(text)
    shown = mask(text, secrets)
    assert "nter2x" not in shown
    assert len(shown) == len(text)
    assert "hunter2x" not in mask('ERROR: at or near "\'hunter2x;"', secrets) or "\\'" in text


@pytest.mark.parametrize("text", LIKELY)
def test_literals_of_statement_that_speaks_of_secrets_are_hidden_in_quotes(text):
    secrets = secrets_in(text)
    assert "hunter2x" not in mask(text, secrets)
    assert mask('invalid input: "hunter2x"', secrets) == 'invalid input: "********"'
    assert mask("a word like hunter2x", secrets) == "a word like hunter2x"


def test_text_without_password_is_unchanged():
    text = "SELECT password FROM t; SELECT 'member' FROM t WHERE note = 'it is long'"
    assert mask(text, secrets_in(text)) == text


def test_short_secrets_do_not_black_out_everything():
    assert mask("example", secrets_in("ALTER ROLE a PASSWORD 'x'")) == "example"


def test_diff_shows_no_password():
    diff = unified_diff("ALTER ROLE a PASSWORD 'old1'", "ALTER ROLE a PASSWORD 'new1'", "x")
    assert "old1" not in diff
    assert "new1" not in diff


@pytest.fixture
def long_text(monkeypatch):
    """Treat every text as too long to be parsed."""
    monkeypatch.setattr(secrets, "_WHOLE", 0)


@pytest.mark.parametrize("text", TEXTS)
def test_in_long_text_every_spelling_of_password_is_found_too(text, long_text):
    text_secrets = secrets.secrets_near(text)
    assert (
        "nter2x" not in mask('ERROR: at or near "hunter2x;"', text_secrets)
        or "\\'" in text
        or ";" in text
    )
    assert "nter2x" not in mask(text, text_secrets)


@pytest.mark.parametrize("text", LIKELY)
def test_in_long_text_that_speaks_of_secrets_literals_are_hidden_in_quotes(text, long_text):
    text_secrets = secrets.secrets_near(text)
    assert "hunter2x" not in mask(text, text_secrets)
    assert mask('invalid input: "hunter2x"', text_secrets) == 'invalid input: "********"'
    assert (
        mask('no table "hunter3x", a hunter2x', text_secrets) == 'no table "hunter3x", a hunter2x'
    )


def test_in_long_text_that_speaks_of_none_nothing_is_hidden(long_text):
    text = "INSERT INTO t VALUES ('member', 'a')"
    assert secrets.secrets_near(text) == secrets.NO_SECRETS


def test_letter_that_is_longer_in_lower_case_hides_no_password():
    for size in (4, 300_000):
        text = f"SELECT '{'İ' * size}'; CREATE ROLE a PASSWORD 'hunter2x'"
        assert "hunter2x" not in mask("PASSWORD 'hunter2x'", secrets.secrets_near(text))


ROWS = ",\n".join(f"({number}, 'value {number}')" for number in range(60_000))


@pytest.mark.parametrize("last", ["", ", (1, 'the token')"])
def test_long_text_is_searched_and_not_parsed(last, monkeypatch):
    """Parsing would take seconds after the answer of the server."""
    monkeypatch.setattr(secrets, "next_token", None)
    text_secrets = secrets.secrets_near(f"INSERT INTO t VALUES {ROWS}{last}")
    shown = mask("Key (s)=('value 59999') exists, \"value 3\"", text_secrets)
    assert ("value" not in shown) == bool(last)
