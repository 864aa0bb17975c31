"""`convert`: a file has the effect of its original, or the result says what to look at."""

import pytest

import pgbraid
from pgbraid import ConfigError, ProblemsFound
from pgbraid.importers.tools import tool_named
from pgbraid.migrate import foreign_files
from pgbraid.migrate.convert import convert_files

HEAD = "--liquibase formatted sql\n"
CHANGELOG = (
    "CREATE TABLE databasechangelog (id varchar, author varchar, filename varchar,"
    " orderexecuted int, exectype varchar, md5sum varchar);"
    "INSERT INTO databasechangelog VALUES "
)


@pytest.fixture
def convert(tmp_path):
    """Write files, convert them, and return the result and the texts of the new files."""

    def run(tool, files):
        for name, text in files.items():
            path = tmp_path / "old" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = convert_files(tool_named(tool), tmp_path / "old", tmp_path / "new")
        return result, {p.name: p.read_text() for p in (tmp_path / "new").glob("*.sql")}

    return run


def notes_of(result):
    return " ".join(note for file in result.files for note in file.notes)


def test_changesets_with_quotes_and_spaces_in_their_names_are_found(convert):
    result, _ = convert(
        "liquibase",
        {
            "a.sql": f"{HEAD}--changeset Ada Lovelace:1\nCREATE TABLE a ();\n"
            '--changeset "Grace H": "two words" runAlways:true\nCREATE TABLE b ();\n'
        },
    )
    assert [file.version for file in result.files] == [1, 2]
    assert "runAlways" in notes_of(result)


def test_lines_that_liquibase_ignores_are_left_out(convert):
    _, texts = convert(
        "liquibase",
        {
            "a.sql": f"{HEAD}--changeset a:1\nSELECT 1;\n--ignoreLines:start\nSELECT 2;\n"
            "--ignoreLines:end\nSELECT 3;\n--ignoreLines:1\nSELECT 4;\nSELECT 5;\n"
        },
    )
    assert texts["001_a_1.sql"].split("\n") == ["SELECT 1;", "SELECT 3;", "SELECT 5;", ""]


def test_placeholders_and_delimiters_of_liquibase_are_named(convert):
    result, _ = convert(
        "liquibase",
        {"a.sql": f"{HEAD}--changeset a:1 endDelimiter:/\nSELECT '${{owner}}'\n/\n"},
    )
    assert "endDelimiter" in notes_of(result)
    assert "${owner}" in notes_of(result)


@pytest.mark.parametrize(
    ("recorded", "versions"), [("db/v1/a.sql", [1]), ("db/v2/a.sql", [2]), ("v2/a.sql", [2])]
)
def test_change_sets_of_equal_names_differ_by_folder(
    convert, database, tmp_path, recorded, versions
):
    convert(
        "liquibase",
        {
            f"{folder}/a.sql": f"{HEAD}--changeset a:1\nCREATE TABLE {folder} ();\n"
            for folder in ("v1", "v2")
        },
    )
    database.run(f"{CHANGELOG} ('1', 'a', '{recorded}', 1, 'EXECUTED', NULL)")
    adoption = pgbraid.load(tmp_path / "new").adopt(database.conninfo)
    assert [migration.version for migration in adoption.migrations] == versions


def test_change_sets_of_two_applications_are_not_mixed(convert, database, tmp_path):
    convert("liquibase", {"a.sql": f"{HEAD}--changeset a:1\nCREATE TABLE a ();\n"})
    database.run(
        f"{CHANGELOG} ('1', 'a', 'one/a.sql', 1, 'EXECUTED', NULL),"
        " ('1', 'a', 'two/a.sql', 2, 'EXECUTED', NULL)"
    )
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load(tmp_path / "new").adopt(database.conninfo)
    assert [p.code for p in caught.value.problems] == ["tracker_version_without_file"]


def test_changes_of_two_sqitch_projects_are_not_mixed(convert, database, tmp_path):
    plan = "%project=app\n\nusers 2024-01-01T00:00:00Z A <a@b.c> # users\n"
    convert("sqitch", {"sqitch.plan": plan, "deploy/users.sql": "CREATE TABLE users ();\n"})
    database.run(
        "CREATE SCHEMA sqitch; CREATE TABLE sqitch.changes (change_id text, change text,"
        " project text); INSERT INTO sqitch.changes VALUES ('1', 'users', 'other'),"
        " ('2', 'orders', 'app')"
    )
    with pytest.raises(ProblemsFound, match="has version app:orders, "):
        pgbraid.load(tmp_path / "new").adopt(database.conninfo)


@pytest.mark.parametrize(
    ("files", "texts"),
    [
        ({"B2__base.sql": "SELECT 2;", "V3__c.sql": "SELECT 3;"}, ["SELECT 2;", "SELECT 3;"]),
        ({"B2__base.sql": "SELECT 2;", "V1__a.sql": "SELECT 1;"}, ["SELECT 1;"]),
    ],
)
def test_baseline_script_is_kept_if_it_replaces_missing_files(convert, files, texts):
    _, converted = convert("flyway", files)
    assert [text for _, text in sorted(converted.items())] == texts


def test_description_with_two_underscores_is_not_part_of_version(convert):
    result, _ = convert("flyway", {"V1__2__halves.sql": "SELECT 1;"})
    assert [file.version for file in result.files] == [1]


def test_sections_that_are_not_recognised_are_reported(convert):
    text = "SELECT 0;\n-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n"
    result, texts = convert("sql-migrate", {"1_a.sql": text})
    assert [problem.code for problem in result.problems] == ["down_section"]
    assert texts == {"1_a.sql": text}


def test_mark_with_more_words_than_the_tool_allows_stays(convert):
    text = "-- +goose Up\nSELECT 1;\n-- +goose Down (reverts)\nSELECT 2;\n"
    result, _ = convert("goose", {"1_a.sql": text})
    assert [problem.code for problem in result.problems] == ["down_section"]


def test_comment_before_first_section_is_no_statement(convert):
    text = "/* licence */\n-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;\n"
    _, texts = convert("sql-migrate", {"1_a.sql": text})
    assert texts["1_a.sql"] == "/* licence */\nSELECT 1;\n"
    assert texts["1_a.down.sql"] == "SELECT 2;\n"


def test_mark_that_changes_the_text_is_reported(convert):
    text = "-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${HOME}';\n"
    result, _ = convert("goose", {"1_a.sql": text})
    assert [problem.code for problem in result.problems] == ["tool_feature"]


def test_file_above_the_limit_is_refused(convert, monkeypatch, tmp_path):
    monkeypatch.setattr(foreign_files, "_LARGEST", 20)
    with pytest.raises(ProblemsFound, match="is larger"):
        convert("flyway", {"V1__a.sql": "SELECT 'a long text';"})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("tool", "names"),
    [
        ("flyway", ("mysql/V1__a.sql", "postgresql/V1__a.sql")),
        ("hasura", ("default/1_a/up.sql", "other/1_a/up.sql")),
        ("goose", ("1_a.sql", "01_b.sql")),
    ],
)
def test_files_of_two_databases_are_not_mixed(convert, tool, names, tmp_path):
    with pytest.raises(ProblemsFound, match="have the same version"):
        convert(tool, dict.fromkeys(names, "-- +goose Up\nSELECT 1;"))
    assert not (tmp_path / "new").exists()


def test_file_without_begin_and_commit_is_one_transaction(convert):
    text = "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN;\nSELECT 1;\nCOMMIT;\n"
    _, texts = convert("goose", {"1_a.sql": text})
    (migration,) = pgbraid.load(texts).migrations.migrations
    assert not migration.directives.no_transaction


def test_isolation_level_is_not_dropped(convert):
    text = (
        "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN ISOLATION LEVEL SERIALIZABLE;\n"
        "SELECT 1;\nCOMMIT;\n"
    )
    result, _ = convert("goose", {"1_a.sql": text})
    assert "transaction_control" in [problem.code for problem in result.problems]


def test_down_section_before_up_section_is_refused(convert):
    text = "-- +migrate Down\nSELECT 2;\n-- +migrate Up\nSELECT 1;\n"
    result, _ = convert("sql-migrate", {"1_a.sql": text})
    assert [problem.code for problem in result.problems] == ["down_section"]


def test_long_name_becomes_a_file_name(convert):
    _, texts = convert("liquibase", {"a.sql": f"{HEAD}--changeset a:{'é' * 200}\nSELECT 1;\n"})
    assert [len(name) for name in texts] == [len("001_a_") + 99 + len(".sql")]


@pytest.fixture
def interpreter(tmp_path):
    """Write a program that stands for the interpreter of a project, and return its path."""

    def write(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


def convert_django(tmp_path, python):
    (tmp_path / "old").mkdir()
    return convert_files(
        tool_named("django"), tmp_path / "old", tmp_path / "new", python=python, dry_run=True
    )


def test_lines_of_the_project_are_no_migrations(tmp_path, interpreter):
    entry = '{"key": "a.1", "name": "a_1", "file": "a/1.py", "sql": "SELECT 1;", "after": []}'
    python = interpreter(f"echo '[]'; echo 'pgbraid: [{entry}]'; echo bye")
    assert [file.file for file in convert_django(tmp_path, python).files] == ["001_a_1.sql"]


def test_interpreter_that_prints_nothing_is_an_error(tmp_path, interpreter):
    with pytest.raises(ConfigError, match="printed no migrations"):
        convert_django(tmp_path, interpreter("exit 0"))


def test_error_of_the_project_has_no_password(tmp_path, interpreter):
    line = "Error: postgres://bob:s3cr3t@db/x PASSWORD=hunter2 'password': 'abc12'"
    with pytest.raises(ConfigError, match="Error: postgres") as caught:
        convert_django(tmp_path, interpreter(f'echo "{line}" >&2; exit 1'))
    for secret in ("s3cr3t", "hunter2", "abc12"):
        assert secret not in str(caught.value)
