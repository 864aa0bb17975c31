"""The environment: variables, home, libpq, settings files, folders of embedded servers."""

import re

import pytest


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("up", "--database", ""), "--database is empty"),
        (("up", "--embedded="), "--embedded is empty"),
        (("up", "--embedded", ""), "--embedded is empty"),
        (("up", "--dir", ""), "dir is empty"),
    ],
)
def test_option_from_unset_variable_is_refused(cli, folder, words, message):
    folder.put("1_a.sql", "SELECT 1")
    assert message in cli(*words, code=2).err


def test_bad_setting_is_reported_with_its_place(cli, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "pgbraid.toml").write_text("[tool.pgbraid]\nschema = 'app'")
    cli("up", code=0)
    (tmp_path / "pgbraid.toml").write_text("dir = 3")
    assert "pgbraid.toml: dir must be text, not 3" in cli("up", code=2).err
    (tmp_path / "pgbraid.toml").write_text("database = 'x'")
    assert "HINT:  The database is never a setting" in cli("up", code=2).err


def test_new_keeps_sequences_and_timestamps_apart(program, folder):
    folder.put("014_a.sql", "x").put("20261122172713_b.sql", "x")
    assert program("new", "c", "--sequential", code=0).out == "migrations/015_c.sql\n"
    assert program("new", "d.sql", code=0).out.endswith("_d.sql\n")
    assert "File name too long" in program("new", "x" * 300, code=2).err


@pytest.mark.server
@pytest.mark.parametrize("home", ["/nonexistent", "/proc"])
def test_unwritable_home_does_not_stop_run(program, folder, home):
    folder.put("1_a.sql", "SELECT 1")
    env = {"HOME": home, "XDG_CACHE_HOME": ""}
    assert "1 migration applied" in program("up", "--embedded", env=env, code=0).out


def test_folder_with_other_data_is_refused(program, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "db" / "data").mkdir(parents=True)
    (tmp_path / "db" / "data" / "precious").touch()
    answer = program("up", "--embedded", "db", code=4)
    assert "contains files that do not belong" in answer.err
    assert "--embedded" in answer.err
    (tmp_path / "file").touch()
    answer = program("up", "--embedded", "file", code=4)
    assert "HINT:  Name another folder with --embedded." in answer.err


def test_missing_libpq_gets_hint(program, folder, tmp_path):
    folder.put("1_a.sql", "SELECT 1")
    (tmp_path / "psycopg").mkdir()
    (tmp_path / "psycopg" / "__init__.py").write_text("raise ImportError('no pq wrapper')")
    env = {"PYTHONPATH": str(tmp_path)}
    answer = program("up", "--database", "host=x", env=env, code=2)
    assert "pip install 'pgbraid[binary]'" in answer.err
    assert program("check", "--offline", env=env, code=0)


@pytest.mark.server
def test_libpq_variables_are_ignored_with_embedded_server(program, folder):
    folder.write(_1_a="SELECT 1")
    env = {"PGSERVICE": "nowhere", "PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGUSER": "nobody"}
    program("up", "--embedded", "db", env=env, code=0)
    assert program("check", "--embedded", "db", env=env, code=0).err == ""


def test_mistyped_folder_of_embedded_server_is_not_made(program, folder):
    folder.write(_1_a="SELECT 1")
    answer = program("status", "--embedded", "nowhere/deep/db", code=4)
    assert "nowhere/deep/db: No such file or directory" in answer.err
    folder.put("../file", "")
    assert "file is a file" in program("status", "--embedded", "file", code=4).err
    assert not (program.cwd / "nowhere").exists()


@pytest.mark.server
def test_data_of_temporary_server_is_not_reported_as_kept(program, folder):
    folder.write(_1_a="SELECT 1", _2_b="SELEC")
    answer = program("up", "--embedded", code=3)
    assert "1 migration applied before it, removed with the temporary server" in answer.err


@pytest.mark.server
def test_programs_of_embedded_server_are_printed_with_verbose(program, folder):
    folder.write(_1_a="SELECT 1")
    answer = program("-v", "up", "--embedded", code=0)
    assert re.search(r"embedded PostgreSQL [\d.]+, its programs in /.*bin", answer.err)


def test_settings_file_may_begin_with_mark(program, folder):
    folder.write(_1_a="SELECT 1")
    (program.cwd / "pgbraid.toml").write_text("\ufeffdir = 'migrations'\n", encoding="utf-8")
    program("check", "--offline", code=0)
