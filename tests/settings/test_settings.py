from pathlib import Path

import pytest

from pgbraid.model.errors import ConfigError
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import Verify
from pgbraid.settings.environment import cache_dir, database_url, server_programs
from pgbraid.settings.settings import Settings, has_password
from pgbraid.settings.settings_file import find_settings


def test_without_file_settings_are_defaults(tmp_path):
    assert find_settings(start=tmp_path) == Settings(
        "migrations", "public", "applied_migrations", Verify.ERROR, 600.0
    )


def test_pgbraid_toml_goes_before_pyproject(tmp_path):
    (tmp_path / "pgbraid.toml").write_text('schema = "a"\nlock-wait = 5\nverify = "warn"')
    (tmp_path / "pyproject.toml").write_text('[tool.pgbraid]\nschema = "b"')
    settings = find_settings(start=tmp_path)
    assert (settings.schema, settings.lock_wait, settings.verify) == ("a", 5.0, Verify.WARN)


def test_nearest_file_upwards_is_taken_and_dir_counts_from_it(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.pgbraid]\ndir = "db/migrations"')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text("[tool.other]\nx = 1")
    monkeypatch.chdir(tmp_path)
    assert find_settings(start=deep).dir == "db/migrations"
    monkeypatch.chdir(deep)
    assert find_settings().dir == str(tmp_path / "db" / "migrations")


def test_folder_by_default_counts_from_file_if_it_is_there(tmp_path, monkeypatch):
    (tmp_path / "pgbraid.toml").write_text('schema = "a"')
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert find_settings().dir == "migrations"
    (tmp_path / "migrations").mkdir()
    assert find_settings().dir == str(tmp_path / "migrations")


def test_file_can_be_named(tmp_path):
    path = tmp_path / "other.toml"
    path.write_text('table = "t"')
    assert find_settings(str(path)).table == "t"
    path.write_text('[tool.pgbraid]\ntable = "u"')
    assert find_settings(str(path)).table == "u"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shema = 'a'", "'shema' is not a setting"),
        ("prelude = ''", "prelude is empty"),
        ("search_path = ' '", "search_path is empty"),
        ("prelude = 1", "prelude must be text, not 1"),
        ("ledgers = 'two'", "ledgers must be one or many, not 'two'"),
        ("gaps_require = 'all'", "gaps_require must be any or complete, not 'all'"),
        ("links = [1]", "links must be a list of non-empty texts"),
        ("explain_for = 'long'", "explain_for must be a number"),
        ("verify = 'maybe'", "verify must be off, warn or error, not 'maybe'"),
        ("lock_wait = 'long'", "lock_wait must be a number"),
        ("lock_wait = -1", "lock_wait must be a number"),
        ("lock_wait = true", "lock_wait must be a number"),
        ("lock_wait = nan", "lock_wait must be a number"),
        ("adopt = 'no'", "adopt must be true or false"),
        ("session_pooler = 1", "session_pooler must be true or false, not 1"),
        ("dir = 3", "dir must be text"),
        ("schema = ''", "schema '' is not a valid name"),
        (f"schema = '{'x' * 64}'", "is not a valid name"),
        (f"table = '{'x' * 56}'", "is not a valid name"),
        ("file = 'x'", "'file' is not a setting"),
        ("dir = ''", "dir is empty"),
        ("[tool]\npgbraid = 1", "must be a table"),
        ("not toml", "is not valid TOML"),
    ],
)
def test_bad_settings_are_named(tmp_path, text, message):
    (tmp_path / "pgbraid.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        find_settings(start=tmp_path)


def test_bad_value_names_its_file(tmp_path):
    (tmp_path / "pgbraid.toml").write_text("verify = 'maybe'")
    with pytest.raises(ConfigError, match=r"pgbraid\.toml: verify must be"):
        find_settings(start=tmp_path)


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nother = 1", "[other]\nx = 1"])
def test_project_file_of_others_is_skipped(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    assert find_settings(start=tmp_path) == Settings()


def test_our_own_file_may_have_table_of_project_file(tmp_path):
    (tmp_path / "pgbraid.toml").write_text("[tool.pgbraid]\nschema = 'app'")
    assert find_settings(start=tmp_path).schema == "app"


def test_misspelled_setting_gets_its_likely_name(tmp_path):
    (tmp_path / "pgbraid.toml").write_text("shema = 'a'")
    with pytest.raises(ConfigError) as caught:
        find_settings(start=tmp_path)
    assert caught.value.hint == "Did you mean 'schema'?"


def test_named_file_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the settings file"):
        find_settings(str(tmp_path / "none.toml"))


def test_command_line_goes_before_file():
    settings = Settings(schema="a").override(schema="b", table=None)
    assert (settings.schema, settings.table) == ("b", "applied_migrations")


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, None),
        ({"PGBRAID_DATABASE_URL": "a", "DATABASE_URL": "b"}, "a"),
        ({"DATABASE_URL": "b", "PGHOST": "c"}, "b"),
        ({"PGBRAID_DATABASE_URL": "", "PGDATABASE": "d"}, ""),
        ({"PGPASSWORD": "x"}, None),
    ],
)
def test_which_database_environment_names(environ, url):
    assert database_url(environ) == url


def test_environment_sets_other_settings():
    assert server_programs({"PGBRAID_PG_BIN": "/x"}) == "/x"
    assert server_programs({"PGBRAID_PG_BIN": ""}) is None
    assert cache_dir({"XDG_CACHE_HOME": "/c"}) == Path("/c/pgbraid")
    assert cache_dir({}) == Path.home() / ".cache" / "pgbraid"


@pytest.mark.parametrize(
    ("conninfo", "answer"),
    [
        ("postgresql://u:p@h/d", True),
        ("postgresql://u:p@w@h/d", True),
        ("postgresql://u:p/w@h/d", True),
        ("host=h password=p", True),
        ("postgresql://h/d?password=p", True),
        ("postgresql://u@h:5432/d", False),
        ("postgresql://h:5432/d", False),
        ("host=h passfile=/x", False),
        ("postgresql://u:p#r3t?xyz@h/d", True),
        ("postgresql://u:p?x@h/d", True),
        ("postgresql://h:5432/d?application_name=a@b", False),
        ("postgresql://h:5432?application_name=a@b", False),
    ],
)
def test_whether_connection_string_holds_password(conninfo, answer):
    assert has_password(conninfo) is answer


def test_lock_key_differs_by_ledger_and_is_stable():
    assert LedgerTable().lock_key == 1112363309011572381  # two releases must wait for each other
    assert LedgerTable("a.b", "c").lock_key != LedgerTable("a", "b.c").lock_key
    assert -(2**63) <= LedgerTable().lock_key < 2**63
