"""The syntax of a file of variables: what Docker, Compose and direnv agree on."""

import os
import stat
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgbraid.model.errors import ConfigError
from pgbraid.settings.env_file import read_env_file
from pgbraid.settings.environment import database_url, with_missing_variables


@pytest.fixture
def read(tmp_path):
    def values(text, name="PGDATABASE"):
        (tmp_path / ".env").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_env_file(str(tmp_path / ".env")).values.get(name)

    return values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PGDATABASE=app", "app"),
        ("export PGDATABASE=app", "app"),
        ("  PGDATABASE = app  ", "app"),
        ("PGDATABASE=app # a comment", "app"),
        ("PGDATABASE=a#b", "a#b"),
        ("PGDATABASE=#b", ""),
        ("PGDATABASE=", ""),
        ("PGDATABASE=a b", "a b"),
        ("PGDATABASE='a # b'", "a # b"),
        ('PGDATABASE="a # b" # a comment', "a # b"),
        ("PGDATABASE='a\\nb ${X} \"c\"'", 'a\\nb ${X} "c"'),
        (r'PGDATABASE="a\n\t\"\\\$b\`\q"', 'a\n\t"\\$b`\\q'),
        ('PGDATABASE="two\nlines"\nPGUSER=u', "two\nlines"),
        ("PGDATABASE='two\nlines'", "two\nlines"),
        ("PGDATABASE=pa$word$", "pa$word$"),
        (r"PGDATABASE=a\nb", r"a\nb"),
        ("PGDATABASE=a=b==", "a=b=="),
        ("PGDATABASE=one\nPGDATABASE=two", "two"),
        ("# PGDATABASE=one\n\n\t# x\nPGDATABASE=two\r\n", "two"),
        ("PGUSER\nexport PGUSER PGHOST\nPGDATABASE=app", "app"),
        ('OTHER="${HOME}/x"\nOTHER2=$(id)\nPGDATABASE=app', "app"),
        (b"\xef\xbb\xbfPGDATABASE=app", "app"),
        ("PGDATABASE=ä", "ä"),
    ],
)
def test_value_is_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("PGUSER=u\nsecret42 is here=1", 2, "the line is not NAME=VALUE"),
        ("secret42: x", 1, "the line is not NAME=VALUE"),
        ("1PG=secret42", 1, "the line is not NAME=VALUE"),
        ("\n\nPGPASSWORD='secret42", 3, "the value of PGPASSWORD has no closing quote"),
        ('PGPASSWORD="secret42\\"', 1, "the value of PGPASSWORD has no closing quote"),
        ("PGPASSWORD='secret42' x", 1, "has text after its closing quote"),
        ("PGPASSWORD=secret42${X}", 1, "the value of PGPASSWORD contains ${…}"),
        ('PGPASSWORD="secret42$(id)"', 1, "the value of PGPASSWORD contains ${…}"),
        ("PGPASSWORD=secret42\0", 1, "the value of PGPASSWORD contains a NUL byte"),
        ("A='two\nlines'\nsecret42: x", 3, "the line is not NAME=VALUE"),
    ],
)
def test_error_names_file_and_line_without_value(read, tmp_path, text, place, message):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.message.startswith(f"{tmp_path}/.env:{place}: ")
    assert message in caught.value.message
    assert "secret42" not in f"{caught.value.message}{caught.value.detail}{caught.value.hint}"


@pytest.mark.parametrize("content", [b"PGUSER=\xff", None])
def test_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"\.env"):
        read_env_file(str(path))
    with pytest.raises(ConfigError, match="cannot read"):
        read_env_file(str(tmp_path))


def test_only_names_of_pgbraid_and_libpq_are_read(read, tmp_path):
    read("PATH=/x\nLD_PRELOAD=/x\nPYTHONPATH=/x\nPGHOST=h\nPGBRAID_PG_BIN=/b\nDATABASE_URL=u\npg=1")
    names = set(read_env_file(str(tmp_path / ".env")).values)
    assert names == {"PGHOST", "PGBRAID_PG_BIN", "DATABASE_URL"}


@given(st.text(st.characters(exclude_characters="'\r\0", exclude_categories=["Cs"])))
def test_value_in_single_quotes_is_kept(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "quoted.env"
    path.write_bytes(f"PGPASSWORD='{value}'\nPGUSER=u".encode())
    assert read_env_file(str(path)).values == {"PGPASSWORD": value, "PGUSER": "u"}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.env"
    path.write_bytes(text.encode())
    with suppress(ConfigError):
        read_env_file(str(path))


@pytest.mark.parametrize(
    ("text", "has_password"),
    [
        ("PGHOST=h", False),
        ("PGPASSWORD=x", True),
        ("DATABASE_URL=postgresql://u@h/d", False),
        ("DATABASE_URL=postgresql://u:x@h/d", True),
        ("PGBRAID_SCRATCH_URL=postgresql://u:x@h/d", True),
    ],
)
def test_password_is_noticed(read, tmp_path, text, has_password):
    read(text)
    assert read_env_file(str(tmp_path / ".env")).has_password is has_password


@pytest.mark.parametrize(("mode", "shared"), [(0o600, False), (0o640, False), (0o644, True)])
def test_permissions_are_noticed(read, tmp_path, mode, shared):
    read("PGHOST=h")
    path = tmp_path / ".env"
    os.chown(path, -1, os.getegid())
    path.chmod(mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert read_env_file(str(path)).readable_by_others is shared


def test_environment_wins_over_file(monkeypatch):
    for name in ("PGBRAID_DATABASE_URL", "DATABASE_URL", "PGUSER", "PGPORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGHOST", "here")
    monkeypatch.setenv("PGPORT", "")
    with with_missing_variables({"PGHOST": "there", "PGUSER": "u", "PGPORT": "1"}) as added:
        assert added == ["PGUSER", "PGPORT"]
        assert [os.environ[name] for name in ("PGHOST", "PGUSER", "PGPORT")] == ["here", "u", "1"]
    assert "PGUSER" not in os.environ
    assert os.environ["PGPORT"] == ""


@pytest.mark.parametrize("name", ["PGBRAID_DIRECT_URL", "PGBRAID_DATABASE_URL", "DATABASE_URL"])
def test_no_url_of_file_wins_over_url_of_environment(monkeypatch, name):
    for each in ("PGBRAID_DIRECT_URL", "PGBRAID_DATABASE_URL", "DATABASE_URL"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/app")
    with with_missing_variables({name: "postgresql://laptop/app"}) as added:
        assert added == []
        assert database_url() == "postgresql://production/app"
