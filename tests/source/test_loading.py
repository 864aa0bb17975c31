import importlib.resources
import os
import sys
import zipfile
from pathlib import Path

import pytest

import pgbraid
from pgbraid.model.errors import ConfigError, ProblemsFound
from pgbraid.model.migration import Severity, digest
from pgbraid.source.content import read_script
from pgbraid.source.loader import load_migrations


def problems(source):
    return {(p.code, p.severity.value) for p in load_migrations(source).problems}


def load_one(**files):
    migration_set = load_migrations(
        {name.lstrip("_") + ".sql": text for name, text in files.items()}
    )
    return migration_set.migrations[0]


def test_files_are_ordered_by_version_as_numbers(folder):
    folder.write(_10_c="c", _9_b="b", _20240101000000_d="d").put("0001_a.up.sql", "a")
    migration_set = load_migrations(folder.path)
    assert [m.label for m in migration_set.migrations] == [
        "0001_a",
        "9_b",
        "10_c",
        "20240101000000_d",
    ]
    assert migration_set.problems == ()


def test_migration_has_sha256_and_size_of_its_bytes(folder):
    folder.put("1_a.sql", b"\xef\xbb\xbfselect 1;\r\n")
    (migration,) = load_migrations(folder.path).migrations
    assert migration.checksum == digest(b"\xef\xbb\xbfselect 1;\r\n")
    assert migration.size == 14
    assert migration.path == f"{folder.path}/1_a.sql"


def test_down_file_belongs_to_its_migration(folder):
    folder.put("001_a.up.sql", "x").put("1_a.down.sql", "y")
    migration_set = load_migrations(folder.path)
    assert (migration_set.migrations[0].down, migration_set.problems) == ("1_a.down.sql", ())


def test_mapping_in_memory_is_source():
    migration_set = load_migrations({"2_b.sql": b"b", "1_a.sql": "a"})
    assert [(m.version, m.path) for m in migration_set.migrations] == [
        (1, "1_a.sql"),
        (2, "2_b.sql"),
    ]


def test_resource_in_zip_is_source(tmp_path, monkeypatch):
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_app/__init__.py", "")
        file.writestr("zipped_app/migrations/1_a.sql", "select 1")
        file.writestr("zipped_app/migrations/1_a.down.sql", "select 2")
    monkeypatch.syspath_prepend(str(archive))
    migration_set = load_migrations(importlib.resources.files("zipped_app") / "migrations")
    del sys.modules["zipped_app"]
    (migration,) = migration_set.migrations
    assert (migration.file, migration.down) == ("1_a.sql", "1_a.down.sql")
    assert read_script(migration)[0] == b"select 1"


def test_missing_resource_is_reported(tmp_path):
    class Missing:
        name = "migrations"

        def is_dir(self):
            return False

    with pytest.raises(ConfigError, match="does not exist"):
        load_migrations(Missing())


def test_other_files_and_folders_are_left_alone(folder):
    folder.write(_1_a="a").put("README.md", "x").put("atlas.sum", "x")
    (folder.path / "old").mkdir()
    migration_set = load_migrations(folder.path)
    assert (len(migration_set.migrations), migration_set.problems) == (1, ())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is not a folder"),
    ],
)
def test_folder_that_is_none_is_usage_error(tmp_path, make, message):
    path = tmp_path / "migrations"
    make(path)
    with pytest.raises(ConfigError, match=message):
        load_migrations(path)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["1_a.sql", "1_b.sql"], "duplicate_version"),
        (["1_a.sql", "001_a.sql"], "duplicate_version"),
        (["1_a.sql", "1_a.up.sql"], "duplicate_version"),
        (["1_a.down.sql", "01_a.down.sql", "1_a.sql"], "duplicate_version"),
        (["1_a.sql", "1_A.sql"], "name_collision"),
        (["1_caf\u00e9.sql", "1_cafe\u0301.sql"], "name_collision"),
        (["1_a.up.sql", "1_A.down.sql"], "name_collision"),
        (["1_a.up.sql", "1_b.down.sql"], "down_without_up"),
        (["1_a.down.sql"], "down_without_up"),
        (["9223372036854775808_a.sql"], "version_out_of_range"),
    ],
)
def test_names_that_cannot_be_run(names, code):
    migration_set = load_migrations(dict.fromkeys(names, "select 1"))
    assert code in {p.code for p in migration_set.problems}
    (problem,) = [p for p in migration_set.problems if p.code == code]
    assert problem.severity is Severity.ERROR
    assert problem.hint


def test_neither_of_two_files_with_one_version_is_migration():
    assert load_migrations({"1_a.sql": "", "1_b.sql": ""}).migrations == ()


@pytest.mark.parametrize(
    ("content", "code", "place"),
    [
        ("select 1".encode("utf-16"), "utf16", (None, None)),
        (b"a\n\xe9\x00", "nul_byte", (2, 2)),
        (b"select 1;\n-- caf\xe9", "invalid_utf8", (2, 7)),
        (b"\xc3", "invalid_utf8", (1, 1)),
    ],
)
def test_bytes_that_cannot_be_run(content, code, place):
    migration_set = load_migrations({"1_a.sql": content})
    (problem,) = [p for p in migration_set.problems if p.code == code]
    assert (problem.location.line, problem.location.column) == place
    assert migration_set.migrations == ()


def test_down_files_bytes_are_looked_at_too():
    migration_set = load_migrations({"1_a.sql": "", "1_a.down.sql": b"\xff"})
    assert [p.code for p in migration_set.problems] == ["invalid_utf8"]


def test_folder_and_dangling_link_are_unreadable(folder):
    folder.write(_1_a="a")
    (folder.path / "2_b.sql").mkdir()
    (folder.path / "3_c.sql").symlink_to(folder.path / "nowhere")
    migration_set = load_migrations(folder.path)
    assert [(p.code, p.versions) for p in migration_set.problems] == [
        ("unreadable", (2,)),
        ("unreadable", (3,)),
    ]
    assert "it is a folder" in migration_set.problems[0].message


def test_everything_is_found_in_one_pass(folder):
    folder.write(_1_a="a", _1_b="b", _99999999999999999999_c="c")
    folder.put("2_d.sql", b"\0").put("3_e.down.sql", "e").put("V4__f.sql", "f")
    assert problems(folder.path) == {
        ("duplicate_version", "error"),
        ("version_out_of_range", "error"),
        ("nul_byte", "error"),
        ("down_without_up", "error"),
        ("near_miss", "warning"),
    }


def test_empty_folder_is_warning(folder):
    folder.path.mkdir()
    assert problems(folder.path) == {("no_migrations", "warning")}
    assert problems({}) == {("no_migrations", "warning")}
    (folder.path / "2024").mkdir()
    (folder.path / "2024" / "1_a.sql").touch()
    (problem,) = load_migrations(folder.path).problems
    assert "sub-folders are not entered" in problem.message


def test_pipe_is_not_waited_for(folder):
    folder.path.mkdir()
    os.mkfifo(folder.path / "1_a.sql")
    assert ("unreadable", "error") in problems(folder.path)


def test_folder_with_near_misses_only_is_refused(folder):
    folder.put("20170426134008-init.sql", "x")
    assert problems(folder.path) == {("near_miss", "warning"), ("no_migrations", "error")}


def test_folder_of_another_tools_folders_is_refused(folder):
    (folder.path / "2024-01-01-000000_a").mkdir(parents=True)
    (folder.path / "2024-01-01-000000_a" / "up.sql").touch()
    assert problems(folder.path) == {("no_migrations", "error")}


def test_file_that_changes_after_loading_is_not_run(folder):
    folder.write(_1_a="select 1")
    (migration,) = load_migrations(folder.path).migrations
    folder.write(_1_a="select 2")
    with pytest.raises(ProblemsFound) as caught:
        read_script(migration)
    assert caught.value.problems[0].code == "changed_during_run"
    folder.remove("1_a.sql")
    with pytest.raises(ProblemsFound):
        read_script(migration)


def test_load_needs_no_database(folder):
    folder.write(_1_a="a")
    migrator = pgbraid.load(folder.path, schema="app", table="t", verify="warn")
    assert migrator == pgbraid.load(str(folder.path), schema="app", table="t", verify="warn")
    with pytest.raises(AttributeError):
        migrator.settings = None


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "count", "code"),
    [
        ("openmeter", 269, None),
        ("hatchet", 224, None),
        ("supabase-auth", 70, None),
        ("goalert", 0, "no_migrations"),
        ("crates.io", 0, "no_migrations"),
    ],
)
def test_real_folders(corpus, name, count, code):
    migration_set = load_migrations(Path(corpus, name, "migrations"))
    assert len(migration_set.migrations) == count
    assert {p.code for p in migration_set.problems if p.severity is Severity.ERROR} == (
        {code} if code else set()
    )


def test_down_file_that_cannot_be_read_is_not_waited_for(tmp_path):
    (tmp_path / "3_b.up.sql").write_text("SELECT 1")
    os.mkfifo(tmp_path / "3_b.down.sql")
    migration_set = load_migrations(tmp_path)
    assert [p.code for p in migration_set.problems] == ["unreadable"]
    assert [m.down for m in migration_set.migrations] == [None]


def test_down_file_of_another_name_is_ignored(tmp_path):
    (tmp_path / "3_b.up.sql").write_text("SELECT 1")
    (tmp_path / "3_c.down.sql").write_text("SELECT 1")
    migration_set = load_migrations(tmp_path)
    assert [p.code for p in migration_set.problems] == ["down_without_up"]
    assert [m.down for m in migration_set.migrations] == [None]
