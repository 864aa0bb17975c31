"""check --base: what a branch does to the migrations of the branch that it will join."""

import subprocess

import pytest

import pgbraid
from pgbraid import ConfigError
from tests.fixtures.git import TABLE, VIEW, Repository, git

CASES = []


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "project")


def case(*expected):
    """Register a history, with the problems that it has: code, file and line, an error or not."""

    def register(arrange):
        CASES.append(pytest.param(arrange, expected, id=arrange.__name__))
        return arrange

    return register


@case()
def nothing(repository):
    pass


@case()
def new_migration(repository):
    repository.write("104_w.sql", "CREATE TABLE w ();")


@case(("base_edited", "103_v.sql", 3))
def edited(repository):
    repository.write("103_v.sql", VIEW.replace("a FROM", "b FROM"))


@case(("base_edited", "101_t.sql", 2))
def lines_appended(repository):
    repository.write("101_t.sql", TABLE + "CREATE TABLE more ();\n")


@case(("base_edited", "103_v.sql", 1))
def lines_removed(repository):
    repository.write("103_v.sql", "-- the view\n")


@case(("base_comments_edited", "103_v.sql", 1))
def cosmetic_edit(repository):
    repository.write("103_v.sql", VIEW.replace("the view", "a comment"))


@case()
def other_line_ends(repository):
    repository.write("103_v.sql", VIEW.replace("\n", "\r\n"))


@case(("base_renamed", "103_view.sql", None))
def renamed(repository):
    repository.rename("103_v.sql", "103_view.sql")


@case()
def renamed_in_form_only(repository):
    repository.rename("103_v.sql", "0103_v.up.sql")


@case(("base_renumbered", "105_v.sql", None))
def renumbered(repository):
    repository.rename("103_v.sql", "105_v.sql")


@case(("base_deleted", "103_v.sql", None))
def deleted(repository):
    repository.remove("103_v.sql")


@case(("base_replaced", "103_w.sql", None))
def replaced(repository):
    repository.remove("103_v.sql")
    repository.write("103_w.sql", "CREATE TABLE w ();")


@case(("duplicate_version", "103_w.sql", None))
def second_file_of_version(repository):
    repository.write("103_w.sql", "CREATE TABLE w ();")


@case(("duplicate_version", "104_mine.sql", None))
def version_added_on_both_sides(repository):
    repository.write("104_mine.sql", "CREATE TABLE mine ();")
    repository.commit()
    repository.on_main("104_theirs.sql", "CREATE TABLE theirs ();")


@case(("duplicate_version", "104_w.sql", None))
def file_added_on_both_sides_with_other_texts(repository):
    repository.write("104_w.sql", "CREATE TABLE w (mine int);")
    repository.commit()
    repository.on_main("104_w.sql", "CREATE TABLE w (theirs int);")


@case()
def file_added_on_both_sides_alike(repository):
    repository.write("104_w.sql", "CREATE TABLE w ();")
    repository.commit()
    repository.on_main("104_w.sql", "CREATE TABLE w ();")


@case(("renumbered", "104_w.sql", None))
def text_merged_under_another_version(repository):
    repository.write("104_w.sql", "CREATE TABLE w ();")
    repository.commit()
    repository.on_main("107_w.sql", "CREATE TABLE w ();")


@case(("base_gap", "104_mine.sql", None))
def version_below_new_ones_of_base(repository):
    repository.write("104_mine.sql", "CREATE TABLE mine ();")
    repository.commit()
    repository.on_main("105_theirs.sql", "CREATE TABLE theirs ();")


@case(("base_gap", "100_late.sql", None))
def version_below_all(repository):
    repository.write("100_late.sql", "CREATE TABLE late ();")


@case()
def migration_that_base_received_since(repository):
    repository.on_main("104_theirs.sql", "CREATE TABLE theirs ();")


@case()
def migration_that_base_edited_since(repository):
    repository.on_main("103_v.sql", VIEW.replace("a FROM", "b FROM"))


@case()
def migration_that_base_deleted_since(repository):
    repository.on_main("103_v.sql")


@case(("base_edited", "103_v.sql", 3))
def migration_that_both_edited(repository):
    repository.write("103_v.sql", VIEW.replace("a FROM", "c FROM"))
    repository.commit()
    repository.on_main("103_v.sql", VIEW.replace("a FROM", "b FROM"))


@case(("base_edited", "103_v.sql", 3), ("base_gap", "104_mine.sql", None))
def two_problems_after_merge_commit(repository):
    repository.on_main("105_theirs.sql", "CREATE TABLE theirs ();")
    git(repository.path, "merge", "-q", "--no-ff", "-m", "merge", "main")
    repository.write("104_mine.sql", "CREATE TABLE mine ();")
    repository.write("103_v.sql", VIEW.replace("a FROM", "b FROM"))


@case(("base_gap", "104_mine.sql", None))
def rebased(repository):
    repository.write("104_mine.sql", "CREATE TABLE mine ();")
    repository.commit()
    repository.on_main("105_theirs.sql", "CREATE TABLE theirs ();")
    git(repository.path, "rebase", "-q", "main")


@case()
def squash_merged(repository):
    repository.write("104_mine.sql", "CREATE TABLE mine ();")
    repository.commit()
    repository.on("main")
    git(repository.path, "merge", "-q", "--squash", "feature")
    repository.commit("squashed")
    repository.on("feature")


@case(("base_deleted", "102_u.sql", None))
def detached_head(repository):
    repository.remove("102_u.sql")
    repository.commit()
    git(repository.path, "checkout", "-q", "--detach", "HEAD")


@case(("base_edited", "101_t.sql", 1))
def in_merge_queue(repository):
    """The base is the head of the queue, one commit that has another branch's migration."""
    repository.on_main("104_queued.sql", "CREATE TABLE queued ();")
    repository.write("101_t.sql", "CREATE TABLE t (b int);\n")


@case()
def file_that_is_no_migration(repository):
    repository.write("seed.sql", "SELECT 1;")
    repository.commit()
    repository.on_main("seed.sql", "SELECT 2;")


@case()
def not_utf_8_and_unchanged(repository):
    repository.on("main")
    repository.write("104_latin.sql", b"SELECT '\xe9';")
    repository.commit()
    git(repository.path, "checkout", "-q", "-B", "feature")


@case()
def mixed_line_ends(repository):
    repository.write("103_v.sql", VIEW.replace("\n", "\r\n", 1))


def criss_cross(repository):
    """Merge each branch's first commit into the other one: two newest common commits."""
    repository.on_main("104_theirs.sql", "CREATE TABLE theirs ();", then="main")
    repository.on("feature")
    repository.write("110_mine.sql", "CREATE TABLE mine ();")
    repository.commit()
    git(repository.path, "branch", "first")
    git(repository.path, "merge", "-q", "-m", "x", "main")
    git(repository.path, "branch", "both")
    repository.on("main")
    git(repository.path, "merge", "-q", "-m", "y", "first")
    repository.on("feature")


@case(("base_deleted", "104_theirs.sql", None))
def deleted_after_criss_cross_merges(repository):
    criss_cross(repository)
    repository.remove("104_theirs.sql")


@case()
def base_edits_after_criss_cross_merges(repository):
    criss_cross(repository)
    repository.on_main("104_theirs.sql", "CREATE TABLE edited ();")


@case(("base_deleted", "105_b.sql", None), ("base_edited", "105_c.sql", 1))
def two_files_of_one_version_in_base(repository):
    repository.on("main")
    repository.write("105_b.sql", "CREATE TABLE b ();")
    repository.write("105_c.sql", "CREATE TABLE c ();")
    repository.commit()
    git(repository.path, "checkout", "-q", "-B", "feature")
    repository.remove("105_b.sql")
    repository.write("105_c.sql", "CREATE TABLE d ();")


@pytest.mark.parametrize(("arrange", "expected"), CASES)
def test_problems_of_branch(repository, arrange, expected):
    arrange(repository)
    base = {"base_edited", "base_comments_edited", "base_renamed", "base_renumbered", "base_gap"}
    base |= {"base_deleted", "base_replaced", "duplicate_version", "renumbered"}
    check = repository.check()
    problems = [
        (p.code, p.location.file.rpartition("/")[2], p.location.line)
        for p in check.problems
        if p.code in base
    ]
    warnings = {"base_comments_edited", "base_gap"}
    assert list(dict.fromkeys(problems)) == list(expected)
    if arrange is not not_utf_8_and_unchanged:
        assert check.ok == (not {code for code, *_ in expected} - warnings)


def test_gap_names_versions_that_it_passes(repository):
    repository.write("100_late.sql", "CREATE TABLE late ();")
    (problem,) = repository.check().problems
    assert problem.message == "100_late will run out of order: main has 101, 102, 103"
    assert "`pgbraid prove --base main`" in problem.hint


def test_edit_is_shown(repository):
    repository.write("103_v.sql", VIEW.replace("a FROM", "b FROM"))
    (problem,) = repository.check().problems
    assert "-SELECT a FROM t;\n+SELECT b FROM t;" in problem.diff
    assert "103_v.sql in main" in problem.diff
    assert f"git checkout main -- {repository.folder}/103_v.sql" in problem.hint


def test_renamed_folder_is_compared_by_its_files(repository):
    git(repository.path, "mv", "migrations", "moved")
    (repository.path / "moved" / "101_t.sql").write_text("CREATE TABLE t (b int);\n")
    check = repository.check(folder=repository.path / "moved")
    assert [problem.code for problem in check.problems] == ["base_edited"]


def test_new_folder_with_copy_of_one_file_is_not_moved_one(repository):
    new = repository.path / "other"
    new.mkdir()
    (new / "001_t.sql").write_text(TABLE)
    (new / "002_w.sql").write_text("CREATE TABLE w ();")
    check = repository.check(folder=new)
    assert [problem.code for problem in check.problems] == ["base_empty"]


def test_moved_folder_whose_files_are_all_edited_is_compared_by_names(repository):
    git(repository.path, "mv", "migrations", "moved")
    for path in (repository.path / "moved").iterdir():
        path.write_text(path.read_text() + "CREATE TABLE more ();\n")
    check = repository.check(folder=repository.path / "moved")
    assert [problem.code for problem in check.problems] == ["base_edited"] * 3


def test_worktree_and_subfolder_are_supported(repository, monkeypatch):
    git(repository.path, "worktree", "add", "-q", "../second", "-b", "second")
    second = repository.path.parent / "second" / "migrations"
    (second / "102_u.sql").unlink()
    monkeypatch.chdir(second)
    check = pgbraid.load(".", settings=False).check_files(base="main")
    assert [problem.code for problem in check.problems] == ["base_deleted"]


def test_submodule_is_compared_with_its_own_commits(repository, tmp_path):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "trunk")
    allowed = ("-c", "protocol.file.allow=always")
    git(outer, *allowed, "submodule", "--quiet", "add", "-b", "main", str(repository.path), "db")
    (outer / "db" / "migrations" / "102_u.sql").unlink()
    check = repository.check("origin/main", outer / "db" / "migrations")
    assert [problem.code for problem in check.problems] == ["base_deleted"]


def test_shallow_clone_gets_hint_to_fetch_more(repository, tmp_path):
    repository.write("104_w.sql", "CREATE TABLE w ();")
    repository.commit()
    repository.on_main("105_x.sql", "CREATE TABLE x ();")
    clone = tmp_path / "clone"
    source = f"file://{repository.path}"
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", "--no-single-branch", source, clone],
        check=True,
        capture_output=True,
    )
    git(clone, "checkout", "-q", "feature")
    with pytest.raises(ConfigError, match="no common commit") as caught:
        repository.check("origin/main", clone / "migrations")
    assert "fetch-depth: 0" in caught.value.hint


@pytest.mark.parametrize("base", ["none", "", "--upload-pack=x", "main:migrations"])
def test_unknown_base_is_refused(repository, base):
    with pytest.raises(ConfigError):
        repository.check(base)


def test_repository_without_commit_is_refused(tmp_path):
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "1_a.sql").write_text("SELECT 1;")
    git(tmp_path, "init", "-q", "-b", "main")
    with pytest.raises(ConfigError, match="does not exist in this repository"):
        pgbraid.load(tmp_path / "migrations", settings=False).check_files(base="main")


def test_folder_outside_repository_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "1_a.sql").write_text("SELECT 1;")
    with pytest.raises(ConfigError, match="is not in a repository"):
        pgbraid.load(tmp_path, settings=False).check_files(base="main")
