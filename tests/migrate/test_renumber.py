"""`pgbraid renumber`: the migrations of a branch get versions above those of its base."""

import subprocess
from pathlib import Path

import pytest

import pgbraid
from pgbraid.source.checksum_file import write_checksum_file
from pgbraid.source.loader import load_migrations
from tests.fixtures.git import git
from tests.fixtures.renumbering import add, diverged, names, new_names, passes, plan, renumber


@pytest.fixture
def repository(tmp_path):
    return diverged(tmp_path / "project")


def test_duplicates_follow_base_in_their_order(repository):
    add(repository, "104_x.sql", "105_y.sql")
    assert renumber(repository) == [("104_x.sql", "106_x.sql"), ("105_y.sql", "107_y.sql")]
    assert new_names(repository) == ["106_x.sql", "107_y.sql"]
    assert passes(repository)


def test_nothing_is_renamed_before_it_is_carried_out(repository):
    add(repository, "104_x.sql")
    before = names(repository)
    assert plan(repository).result.files
    assert names(repository) == before


def test_out_of_order_migration_follows_base(repository):
    add(repository, "099_x.sql")
    assert renumber(repository) == [("099_x.sql", "106_x.sql")]
    assert passes(repository)


def test_later_migration_moves_only_if_order_needs_it(repository):
    add(repository, "104_x.sql", "106_y.sql", "110_z.sql")
    assert renumber(repository) == [("104_x.sql", "106_x.sql"), ("106_y.sql", "107_y.sql")]
    assert new_names(repository) == ["106_x.sql", "107_y.sql", "110_z.sql"]


def test_migrations_above_base_stay(repository):
    add(repository, "106_x.sql")
    assert renumber(repository) == []
    assert renumber(repository, "106") == []


def test_duplicates_within_branch_get_versions_of_their_own(repository):
    add(repository, "106_a.sql", "106_b.sql", "107_c.sql")
    assert renumber(repository) == [("106_b.sql", "107_b.sql"), ("107_c.sql", "108_c.sql")]
    assert passes(repository)


def test_duplicates_in_one_name_each_of_two_branches_after_merge(repository):
    add(repository, "104_x.sql", "104_y.sql")
    repository.commit()
    git(repository.path, "merge", "-q", "-m", "y", "main")
    assert renumber(repository, "104") == [("104_x.sql", "106_x.sql"), ("104_y.sql", "107_y.sql")]
    assert passes(repository)


def test_equal_names_move_past_each_other(repository):
    add(repository, "105_x.sql", "106_x.sql", "107_x.sql")
    texts = [(repository.folder / n).read_bytes() for n in ("105_x.sql", "106_x.sql", "107_x.sql")]
    repository.write("106_x.sql", "SELECT 6;")
    assert renumber(repository) == [
        ("105_x.sql", "106_x.sql"),
        ("106_x.sql", "107_x.sql"),
        ("107_x.sql", "108_x.sql"),
    ]
    assert (repository.folder / "106_x.sql").read_bytes() == texts[0]
    assert (repository.folder / "107_x.sql").read_bytes() == b"SELECT 6;"


def test_down_file_and_width_are_kept(repository):
    add(repository, "00104_x.up.sql", "00104_x.down.sql", "104_other.down.sql")
    assert renumber(repository) == [
        ("00104_x.up.sql", "00106_x.up.sql"),
        ("00104_x.down.sql", "00106_x.down.sql"),
    ]
    assert "104_other.down.sql" in names(repository)


def test_timestamps_become_now_and_following_seconds(repository):
    repository.on_main("20260101000000_t.sql", "CREATE TABLE tt ();")
    add(repository, "20251231000000_x.sql", "20251231000001_y.sql", "20260101000000_z.sql")
    assert [new for _, new in renumber(repository)] == [
        "20260301120000_x.sql",
        "20260301120001_y.sql",
        "20260301120002_z.sql",
    ]
    assert passes(repository)


def test_timestamp_above_now_in_base_is_passed(repository):
    repository.on_main("20260301120500_t.sql", "CREATE TABLE tt ();")
    add(repository, "20260301120000_x.sql", "106_y.sql")
    assert renumber(repository) == [
        ("106_y.sql", "20260301120501_y.sql"),
        ("20260301120000_x.sql", "20260301120502_x.sql"),
    ]


@pytest.mark.parametrize(
    ("numbering", "name"),
    [("auto", "106_x.sql"), ("sequential", "106_x.sql"), ("timestamp", "20260301120000_x.sql")],
)
def test_sequence_stays_unless_setting_wants_timestamps(repository, numbering, name):
    add(repository, "104_x.sql")
    assert renumber(repository, numbering=numbering) == [("104_x.sql", name)]


@pytest.mark.parametrize("word", ["104", "0104", "104_x", "104_x.sql", "migrations/104_x.sql"])
def test_named_migration_moves_alone(repository, word):
    add(repository, "104_x.sql", "106_y.sql")
    renumbering = plan(repository, word)
    assert [Path(f.new).name for f in renumbering.result.files] == ["107_x.sql"]
    assert renumbering.result.notes == ("106_y ran after 104_x, and runs now before 107_x",)


def test_file_name_chooses_between_two_own_files(repository):
    add(repository, "104_x.sql", "104_y.sql")
    assert renumber(repository, "104_y.sql") == [("104_y.sql", "106_y.sql")]


def test_squashed_branch_has_nothing_to_renumber(repository):
    repository.write("104_m.sql", "CREATE TABLE m ();")
    assert renumber(repository) == []


def test_edited_merged_migration_is_left_to_check(repository):
    repository.write("103_v.sql", "CREATE VIEW v AS SELECT 2;")
    add(repository, "104_x.sql")
    assert renumber(repository) == [("104_x.sql", "106_x.sql")]


def test_criss_cross_merges_do_not_make_merged_migrations_own(repository):
    add(repository, "104_x.sql")
    repository.commit()
    git(repository.path, "branch", "first")
    git(repository.path, "merge", "-q", "-m", "y", "main")
    repository.on("main")
    git(repository.path, "merge", "-q", "-m", "y", "first")
    repository.on("feature")
    add(repository, "105_y.sql")
    assert renumber(repository) == [("105_y.sql", "106_y.sql")]


def test_link_itself_is_renamed(repository):
    (repository.folder / "104_x.sql").symlink_to("101_t.sql")
    assert renumber(repository) == [("104_x.sql", "106_x.sql")]
    assert (repository.folder / "106_x.sql").readlink() == Path("101_t.sql")


def write_sums(repository):
    folder = repository.folder
    write_checksum_file(folder, load_migrations(folder))


def sums_match(repository):
    check = pgbraid.load(repository.folder, settings=False).check_files(checksum_file=True)
    return not [p for p in check.problems if p.code.startswith("sum_")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_checksum_file_is_kept_true(repository, line_end):
    add(repository, "104_x.up.sql", "104_x.down.sql", "110_z.sql")
    write_sums(repository)
    path = repository.folder / "pgbraid.sum"
    text = "# ours" + line_end + path.read_text().replace("\n", line_end) + line_end
    path.write_text(text, newline="")
    assert plan(repository).result.checksum_file == str(path)
    renumber(repository)
    assert sums_match(repository)
    assert path.read_bytes().count(line_end.encode()) == text.count(line_end)
    listed = [line.partition("  ")[2] for line in path.read_text().splitlines() if "  " in line]
    assert listed == sorted(listed)


def test_checksum_file_without_renamed_file_stays(repository):
    write_sums(repository)
    add(repository, "104_x.sql")
    before = (repository.folder / "pgbraid.sum").read_bytes()
    assert plan(repository).result.checksum_file is None
    renumber(repository)
    assert (repository.folder / "pgbraid.sum").read_bytes() == before


def test_old_name_in_text_is_noted_and_not_edited(repository):
    add(repository, "104_x.sql")
    repository.write("105_y.sql", "-- needs 104_x.sql, not 2104_x or 104_xy\nSELECT 1;")
    repository.write("106_z.sql", "-- 2104_x 104_xy\nSELECT 2;")
    renumbering = plan(repository)
    renumbering.carry_out()
    assert renumbering.result.notes == ("107_y.sql mentions 104_x, which is now 106_x",)
    assert "104_x.sql, not" in (repository.folder / "107_y.sql").read_text()


def test_worktree_and_current_folder(repository, monkeypatch):
    git(repository.path, "worktree", "add", "-q", "../second", "-b", "second")
    second = repository.path.parent / "second" / "migrations"
    (second / "104_x.sql").write_text("CREATE TABLE x ();")
    monkeypatch.chdir(second)
    assert renumber(repository, folder=".") == [("104_x.sql", "106_x.sql")]
    assert passes(repository, folder=".")
    assert new_names(repository) == []


def test_moved_folder_is_compared_with_old_place(repository):
    add(repository, "104_x.sql")
    git(repository.path, "mv", "migrations", "moved")
    moved = repository.path / "moved"
    assert renumber(repository, folder=moved) == [("104_x.sql", "106_x.sql")]
    assert passes(repository, folder=moved)


def test_detached_head(repository):
    add(repository, "104_x.sql")
    repository.commit()
    git(repository.path, "checkout", "-q", "--detach")
    assert renumber(repository) == [("104_x.sql", "106_x.sql")]
    assert passes(repository)


def test_nothing_is_staged(repository):
    add(repository, "104_x.sql")
    repository.commit()
    renumber(repository)
    words = ["git", "diff", "--cached", "--name-only"]
    staged = subprocess.run(words, cwd=repository.path, check=True, capture_output=True).stdout
    assert staged == b""
