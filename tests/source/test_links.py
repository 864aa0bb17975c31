"""Symbolic links: followed inside the folder, refused out of it, also one that appears later."""

import os

import pytest

import pgbraid
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Severity, digest
from pgbraid.source import files
from pgbraid.source.content import LargeFileReader, read_down, read_script
from pgbraid.source.loader import load_migrations


@pytest.fixture
def outside(tmp_path):
    file = tmp_path / "elsewhere.sql"
    file.write_text("SELECT 'elsewhere'")
    return file


@pytest.fixture(params=[False, True], ids=["small", "large"])
def size(request, monkeypatch):
    """Read a file at once, or in parts as a large one."""
    if request.param:
        monkeypatch.setattr(files, "LARGE_SCRIPT_BYTES", 0)
        monkeypatch.setattr(files, "_SMALL_FILE_BYTES", 1)


def replace_by_link(path, target):
    path.unlink()
    path.symlink_to(target)


def test_mounted_config_map_is_followed(folder, size):
    folder.path.mkdir()
    (folder.path / "..2026_01").mkdir()
    (folder.path / "..2026_01" / "001_a.up.sql").write_text("SELECT 1")
    (folder.path / "..2026_01" / "001_a.down.sql").write_text("SELECT 2")
    (folder.path / "..data").symlink_to("..2026_01")
    for name in ("001_a.up.sql", "001_a.down.sql"):
        (folder.path / name).symlink_to(f"..data/{name}")
    migration_set = load_migrations(folder.path)
    assert migration_set.problems == ()
    (migration,) = migration_set.migrations
    assert migration.checksum == digest(b"SELECT 1")
    assert migration.path == f"{folder.path}/001_a.up.sql"
    assert read_script(migration)[0] == b"SELECT 1"
    assert read_down(migration)[0] == b"SELECT 2"


def test_folder_itself_may_be_link(tmp_path, folder):
    folder.write(_1_a="SELECT 1")
    (folder.path / "2_b.sql").symlink_to("1_a.sql")
    (tmp_path / "current").symlink_to(folder.path)
    migration_set = load_migrations(tmp_path / "current")
    assert (len(migration_set.migrations), migration_set.problems) == (2, ())


@pytest.mark.parametrize("through", ["directly", "a relative link", "a link", "a linked folder"])
def test_link_out_of_folder_is_error(folder, outside, through, size):
    folder.write(_1_a="SELECT 1", _2_b="SELECT 2")
    target = outside
    if through == "a relative link":
        target = f"../{outside.name}"
    elif through == "a link":
        target = folder.path / "hop"
        target.symlink_to(outside)
    elif through == "a linked folder":
        (folder.path / "sub").symlink_to(outside.parent)
        target = f"sub/{outside.name}"
    (folder.path / "3_c.sql").symlink_to(target)
    migration_set = load_migrations(folder.path)
    (problem,) = migration_set.problems
    assert (problem.code, problem.severity, problem.versions) == (
        "link_outside",
        Severity.ERROR,
        (3,),
    )
    assert problem.message == "3_c.sql is a link out of the folder"
    assert problem.detail == f"It leads to {outside}."
    assert problem.location.file == f"{folder.path}/3_c.sql"
    assert problem.hint
    assert [m.version for m in migration_set.migrations] == [1, 2]


def test_neighbour_whose_name_begins_alike_is_outside(folder):
    folder.write(_1_a="SELECT 1")
    neighbour = folder.path.with_name("migrations-old")
    neighbour.mkdir()
    (neighbour / "2_b.sql").write_text("SELECT 2")
    (folder.path / "2_b.sql").symlink_to(neighbour / "2_b.sql")
    assert [p.code for p in load_migrations(folder.path).problems] == ["link_outside"]


def test_down_file_that_is_link_out_is_error(folder, outside):
    folder.put("1_a.up.sql", "SELECT 1")
    (folder.path / "1_a.down.sql").symlink_to(outside)
    (problem,) = load_migrations(folder.path).problems
    assert (problem.code, problem.location.file) == (
        "link_outside",
        f"{folder.path}/1_a.down.sql",
    )


def test_links_that_are_no_migrations_are_left_alone(folder, outside):
    folder.write(_1_a="SELECT 1")
    (folder.path / "README.md").symlink_to(outside)
    (folder.path / "loop").symlink_to("loop")
    assert load_migrations(folder.path).problems == ()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("2_b.sql", "Too many levels of symbolic links"),
        ("nowhere", "No such file or directory"),
        ("/nowhere/at/all", "No such file or directory"),
        (".", "it is a folder"),
    ],
)
def test_link_to_no_file_is_unreadable(folder, target, reason):
    folder.write(_1_a="SELECT 1")
    (folder.path / "2_b.sql").symlink_to(target)
    (problem,) = load_migrations(folder.path).problems
    assert (problem.code, problem.message) == ("unreadable", f"2_b.sql cannot be read: {reason}")


def test_file_that_becomes_link_after_it_was_listed_is_not_followed(folder, outside, monkeypatch):
    folder.write(_1_a="SELECT 1")
    real = files.read_unless_large

    def replace_and_read(file):
        replace_by_link(folder.path / "1_a.sql", outside)
        return real(file)

    monkeypatch.setattr("pgbraid.source.candidates.read_unless_large", replace_and_read)
    (problem,) = load_migrations(folder.path).problems
    assert problem.code == "unreadable"
    assert problem.message == "1_a.sql cannot be read: it became a link after the folder was listed"


def test_file_that_becomes_link_after_loading_is_not_run(folder, outside):
    folder.write(_1_a="SELECT 1")
    folder.put("1_a.down.sql", "SELECT 2")
    (migration,) = load_migrations(folder.path).migrations
    (folder.path / "same").write_text("SELECT 1")  # the bytes that were hashed
    for name in ("1_a.sql", "1_a.down.sql"):
        replace_by_link(folder.path / name, folder.path / "same")
    for read in (read_script, read_down, lambda m: list(LargeFileReader(m).parts())):
        with pytest.raises(ProblemsFound) as caught:
            read(migration)
        assert caught.value.problems[0].code == "changed_during_run"


def test_link_that_is_turned_outwards_after_loading_is_not_run(folder, outside):
    folder.path.mkdir()
    (folder.path / "inside").write_text("SELECT 1")
    outside.write_text("SELECT 1")
    (folder.path / "1_a.sql").symlink_to("inside")
    (migration,) = load_migrations(folder.path).migrations
    replace_by_link(folder.path / "1_a.sql", outside)
    for read in (read_script, lambda m: list(LargeFileReader(m).parts())):
        with pytest.raises(ProblemsFound) as caught:
            read(migration)
        assert caught.value.problems[0].code == "changed_during_run"


def test_files_of_package_in_several_folders_are_held_to_same(tmp_path, folder, outside):
    folder.write(_1_a="SELECT 1")
    (folder.path / "2_b.sql").symlink_to(outside)

    class Spread:
        name = "migrations"

        def is_dir(self):
            return True

        def iterdir(self):
            return folder.path.iterdir()

    migration_set = load_migrations(Spread())
    assert [m.version for m in migration_set.migrations] == [1]
    assert [p.code for p in migration_set.problems] == ["link_outside"]


def test_regular_file_costs_no_more_calls_of_system(folder, monkeypatch):
    """It is opened, read twice and closed; facts of the listing are not queried again."""
    folder.write(**{f"_{n}_m": "SELECT 1" for n in range(1, 6)})
    made = []
    for name in ("stat", "lstat", "readlink", "fstat", "open"):
        real = getattr(os, name)

        def count(*args, real=real, name=name, **named):
            made.append(name)
            return real(*args, **named)

        monkeypatch.setattr(os, name, count)
    assert len(load_migrations(folder.path).migrations) == 5
    assert made == ["open"] * 5


@pytest.fixture
def store(tmp_path, folder):
    """A folder beside the migrations, and a migration that is a link into it."""
    deep = tmp_path / "store" / "deep"
    deep.mkdir(parents=True)
    (deep / "1_a.sql").write_text("SELECT 1")
    folder.path.mkdir()
    (folder.path / "1_a.sql").symlink_to("../store/deep/1_a.sql")
    return deep.parent


@pytest.mark.parametrize("how", ["a text", "a path", "a list"])
def test_link_to_trusted_folder_is_followed(folder, store, how, size):
    links = {"a text": str(store), "a path": store, "a list": [store, "elsewhere"]}[how]
    migrator = pgbraid.load(folder.path, links=links)
    assert migrator.migrations.problems == ()
    assert read_script(migrator.migrations.migrations[0])[0] == b"SELECT 1"


def test_link_that_leads_on_out_of_trusted_folder_is_error(folder, store, outside):
    replace_by_link(store / "deep" / "1_a.sql", outside)
    (problem,) = load_migrations(folder.path, (str(store),)).problems
    assert (problem.code, problem.detail) == ("link_outside", f"It leads to {outside}.")


def test_trusted_folder_that_became_link_is_where_it_leads(folder, store, outside):
    """A user who can replace that folder can also change its files."""
    migrator = pgbraid.load(folder.path, links=store)
    replace_by_link(folder.path / "1_a.sql", outside)
    with pytest.raises(ProblemsFound):
        read_script(migrator.migrations.migrations[0])


def test_trusted_folder_counts_from_settings_file(program, folder, store, tmp_path):
    (tmp_path / "pgbraid.toml").write_text('links = "store"')
    below = tmp_path / "below"
    below.mkdir()
    inside = type(program)(below, program.env)
    for words in (["check", "--offline"], ["sum"]):
        inside(*words, "--dir", str(folder.path), code=0)
    (tmp_path / "pgbraid.toml").write_text('links = ["elsewhere"]')
    answer = inside("check", "--offline", "--dir", str(folder.path), code=1)
    assert "to the setting `links`" in answer.err


def test_package_on_disk_may_have_links_to_trusted_folder(folder, store):
    migration_set = load_migrations(Resource(folder.path), (str(store),))
    assert migration_set.problems == ()
    assert load_migrations(Resource(folder.path)).problems


class Resource:
    """A folder as importlib.resources returns it: not a path."""

    def __init__(self, path):
        self.name = path.name
        self.is_dir = path.is_dir
        self.iterdir = path.iterdir
