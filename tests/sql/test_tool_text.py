"""A file that was written for another tool runs as that tool runs it."""

import pytest

import pgbraid
from pgbraid import MigrationFailed, ProblemsFound
from pgbraid.source.content import LargeFileReader
from pgbraid.source.loader import load_migrations
from pgbraid.sql.tool_text import UpSections, directives_of, up_sections

SECTIONED = {
    "goose": ("-- +goose Up", "-- +goose Down"),
    "goose, spaces and a title": ("-- adds a\n\n--  +goose Up  ", "--+goose Down"),
    "dbmate": ("-- migrate:up", "-- migrate:down"),
    "dbmate with options": ("--migrate:up transaction:true", "-- migrate:down transaction:false"),
    "sql-migrate": ("-- +migrate Up", "-- +migrate Down"),
    "node-pg-migrate": ("-- Up Migration", "-- Down Migration"),
    "sql-migrate, licence": (
        "/* licence\n-- +migrate Down\n*/\n-- +migrate Up",
        "-- +migrate Down",
    ),
    "tern": ("-- any comment", "---- create above / drop below ----"),
    "tern without comment": ("", "---- create above / drop below ----"),
}


@pytest.mark.parametrize(("up", "down"), SECTIONED.values(), ids=SECTIONED.keys())
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_down_section_becomes_spaces(up, down, newline):
    text = newline.join([up, "create table a();", down, "drop table a; -- é", ""])
    result = up_sections(text)
    assert len(result) == len(text)
    assert result.split() == f"{up} create table a();".split()
    assert [len(line) for line in result.split(newline)] == [len(x) for x in text.split(newline)]


@pytest.mark.parametrize("size", range(1, 40))
def test_chunks_give_the_same_text(size):
    text = "\ufeff-- +goose Up\ncreate a;\n-- +goose Down\ndrop a;\n-- migrate:up\nb"
    sections = UpSections()
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(map(sections.take, chunks)) + sections.end() == up_sections(text)


def test_several_pairs_alternate():
    text = "-- migrate:up\na;\n-- migrate:down\nb;\n-- migrate:up\nc;\n-- migrate:down\nd;"
    assert up_sections(text).split() == ["--", "migrate:up", "a;", "--", "migrate:up", "c;"]


@pytest.mark.parametrize(
    "text",
    [
        "select 1;\n-- +goose Up\nselect 2;\n-- +goose Down\nselect 3;",
        "-- about migrate:up and migrate:down\nselect 1",
        "-- up migration: adds a\nselect 1;\n-- down migration: see the other file\nselect 2;",
        "select '\n-- +goose Up\n-- +goose Down\n';",
        "-- +goose Down\nselect 1",
        "insert into a values ('---- create above / drop below ----');\nselect 1;",
    ],
)
def test_marks_elsewhere_are_comments(text):
    assert up_sections(text) == text


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("-- +goose NO TRANSACTION\n-- +goose Up\nselect 1;", True),
        ("-- migrate:up transaction:false\nselect 1;", True),
        ("-- migrate:up transaction:true\nselect 1;", False),
        ("-- +migrate Up notransaction\nselect 1;", True),
        ("-- +migrate Up\nselect 1;\n-- +migrate Down notransaction\n", False),
        ("-- migrate:up\nselect 1;\n-- migrate:down transaction:false\n", False),
        ("---- tern: disable-tx ----\nselect 1", True),
        ("-- no-transaction\nselect 1", True),
        ("select 1; -- no-transaction", False),
        ("-- atlas:txmode none\n\nselect 1", True),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", True),
        ("-- why\n/* and */ create unique index concurrently i on t (a); -- end\n;", True),
        ("-- +goose Up\nVACUUM t;\n-- +goose Down\nSELECT 1; SELECT 2", True),
        ("SET lock_timeout = 0; CREATE INDEX CONCURRENTLY i ON t (a)", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", False),
        ("SELECT 'concurrently'", False),
        ("COMMENT ON TABLE t IS 'vacuum it'", False),
        ("-- pgbraid: isolation=serializable\nVACUUM", False),
        ("SELECT '\n-- atlas:txmode none\n'", False),
        ("SELECT 1; SELECT $$\n-- +goose NO TRANSACTION\n$$", False),
    ],
)
def test_file_runs_outside_a_transaction(text, outside):
    assert directives_of(text).no_transaction is outside
    (migration,) = load_migrations({"1_a.sql": text}).migrations
    assert migration.directives.no_transaction is outside


def test_text_that_another_tool_changes_is_refused(database):
    for mark in ("-- +goose ENVSUB ON", "-- atlas:delimiter \\n\\n"):
        with pytest.raises(ProblemsFound) as caught:
            pgbraid.load({"1_a.sql": f"-- +goose Up\n{mark}\nSELECT 1;"}).up(database.conninfo)
        (problem,) = caught.value.problems
        assert (problem.code, problem.location.line) == ("tool_feature", 2)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("-- Up Migration: users", "-- Down Migration: users"),
        ("-- Up Migration", "-- Down Migration (users)"),
        ("/* licence */ SELECT 1;\n-- Up Migration", "-- Down Migration"),
        ("SET TIME ZONE 'UTC';\n-- Up Migration", "-- Down Migration"),
        ("", "-- ---- create above / drop below ----"),
    ],
)
def test_down_section_that_is_not_recognised_is_refused(database, up, down):
    text = f"{up}\nCREATE TABLE a (i int);\n{down}\nDROP TABLE a;\n"
    with pytest.raises(ProblemsFound) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert [problem.code for problem in caught.value.problems] == ["down_section"]


@pytest.mark.parametrize(
    "text",
    [
        "-- Down migration of 3\nSELECT 1;",
        "-- Up migration\nSELECT 1;\n-- down migration: in another file",
        "-- Up migration\nSELECT 1; -- down migration of 2\nSELECT 2;",
    ],
)
def test_comment_about_a_down_migration_is_no_section(database, text):
    assert len(pgbraid.load({"1_a.sql": text}).up(database.conninfo).applied) == 1


def test_white_space_in_marks_is_that_of_the_tool():
    text = "-- Up  Migration\na;\n-- Down \t Migration\nb;"
    assert up_sections(text).split() == ["--", "Up", "Migration", "a;"]


@pytest.mark.parametrize(("up", "down"), SECTIONED.values(), ids=SECTIONED.keys())
def test_only_up_section_runs(database, up, down):
    text = f"{up}\nCREATE TABLE a (i int);\n{down}\nDROP TABLE a;\n"
    files = {"1_a.sql": text, "2_b.sql": "INSERT INTO a VALUES (1)"}
    migrator = pgbraid.load(files)
    assert len(migrator.up(database.conninfo).applied) == 2
    assert database.value("SELECT count(*) FROM a") == 1
    assert migrator.check(database.conninfo).ok


def test_large_file_runs_its_up_section(database):
    rows = "INSERT INTO a VALUES (1);\n" * 50_000
    text = f"-- +goose Up\nCREATE TABLE a (i int);\n{rows}-- +goose Down\n{rows}DROP TABLE a;\n"
    migrator = pgbraid.load({"1_a.sql": text})
    assert len(migrator.up(database.conninfo).applied) == 1
    assert database.value("SELECT count(*) FROM a") == 50_000


def test_separator_of_large_file_is_found_in_any_chunk():
    filler = "SELECT 1;\n" * 120_000
    text = f"{filler}---- create above / drop below ----\nDROP TABLE a;\n{filler}"
    (migration,) = load_migrations({"1_a.sql": text}).migrations
    parts = LargeFileReader(migration).parts()
    assert sum(len(part.script.statements) for part in parts) == 120_000


def test_error_has_its_position_in_the_file(database):
    text = "-- +goose Up\nSELECT 1;\n-- +goose Down\nDROP;\n-- migrate:up\nSELEC 2;\n"
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(database.conninfo)
    assert str(caught.value.diagnostic.location) == "1_a.sql:6:1"


def test_lone_concurrent_statement_runs_without_directive(database):
    files = {"1_a.sql": "CREATE TABLE a (i int)", "2_b.sql": "CREATE INDEX CONCURRENTLY i ON a (i)"}
    migrator = pgbraid.load(files)
    assert len(migrator.up(database.conninfo).applied) == 2
    assert database.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass")
