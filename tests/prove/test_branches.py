"""prove --base: the result of a merge, with any change of files on either side."""

import subprocess

import pytest

import pgbraid
from pgbraid.model.proof import Verdict

TABLE = "CREATE TABLE t (a int);\n"
HARMLESS = "CREATE TABLE other (id int);\n"


def git(path, *words):
    who = ("-c", "user.name=x", "-c", "user.email=x@y", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=path, check=True, capture_output=True)


class Repository:
    """A repository whose branch ``feature`` started from ``main`` with 101 and 102."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        folder.write(_101_t=TABLE, _102_u="CREATE TABLE u (a int);\n")
        git(path, "init", "-q", "-b", "main")
        self.commit("base")
        git(path, "branch", "feature")

    def commit(self, message="x"):
        git(self.path, "add", "-A")
        git(self.path, "commit", "-qm", message)

    def on_main(self):
        git(self.path, "checkout", "-q", "main")
        return self.folder

    def on_feature(self):
        git(self.path, "checkout", "-q", "feature")
        return self.folder

    def prove(self, folder=None, base="main"):
        return pgbraid.load(folder or self.folder.path, settings=False).prove(base=base)


@pytest.fixture
def repository(tmp_path, folder, server, monkeypatch):
    monkeypatch.setenv("PGBRAID_SCRATCH_URL", server)
    return Repository(tmp_path, folder)


def codes(caught):
    return [problem.code for problem in caught.value.problems]


def test_two_files_of_one_version_in_base_are_error(repository):
    repository.on_main().write(_104_v="CREATE VIEW v AS SELECT 1 AS a;", _104_w="SELECT 1;")
    repository.commit()
    repository.on_feature().write(_103_add="ALTER TABLE t ADD COLUMN c int;")
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        repository.prove()
    assert codes(caught) == ["duplicate_version"]
    assert caught.value.problems[0].message.endswith(", in main")
    assert str(caught.value.problems[0].location) == "main:104_w.sql"


def test_file_of_base_that_is_not_utf_8_is_error(repository):
    repository.on_main().put("104_v.sql", b"SELECT '\xff';")
    repository.commit()
    repository.on_feature().write(_103_add=HARMLESS)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        repository.prove()
    assert "104_v.sql" in str(caught.value.problems[0].location)


def test_migration_that_base_deleted_is_not_added_by_branch(repository):
    folder = repository.on_main().write(_104_x=HARMLESS)
    folder.remove("102_u.sql")
    repository.commit()
    repository.on_feature().write(_105_y="CREATE TABLE y (id int);")
    proof = repository.prove()
    assert proof.verdict is Verdict.SAME
    assert [m.version for m in proof.recorded_order] == [101, 104, 105]
    assert "102_u was deleted in main since: it is not replayed" in proof.notes


def test_migration_that_base_renumbered_is_replayed_as_that(repository):
    folder = repository.on_main()
    (folder.path / "102_u.sql").rename(folder.path / "105_u.sql")
    repository.commit()
    repository.on_feature().write(_106_y=HARMLESS)
    proof = repository.prove()
    assert [m.version for m in proof.recorded_order] == [101, 105, 106]
    assert "102_u is 105_u.sql in main since: it is replayed as that" in proof.notes


def test_migration_that_was_merged_under_another_version_is_error(repository):
    repository.on_feature().write(_103_mine=HARMLESS)
    repository.commit()
    repository.on_main().write(_105_mine=HARMLESS)
    repository.commit("squashed")
    repository.on_feature()
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        repository.prove()
    assert codes(caught) == ["renumbered"]
    assert (
        caught.value.problems[0].message
        == "main already has the text of 103_mine.sql, as 105_mine.sql"
    )


def test_branch_that_renumbers_merged_migration_is_error(repository):
    folder = repository.on_feature()
    (folder.path / "102_u.sql").rename(folder.path / "106_u.sql")
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        repository.prove()
    assert codes(caught) == ["renumbered"]
    assert "106_u was applied as version 102" in caught.value.problems[0].message


def test_branch_that_gives_merged_version_to_another_text_is_error(repository):
    folder = repository.on_feature()
    folder.remove("102_u.sql")
    folder.write(_102_other=HARMLESS)
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        repository.prove()
    assert codes(caught) == ["renamed"]


def test_migration_deleted_by_branch_is_not_compared(repository):
    folder = repository.on_feature().write(_103_add=HARMLESS)
    folder.remove("102_u.sql")
    proof = repository.prove()
    assert proof.verdict is Verdict.SAME
    assert proof.not_compared == ("102_u: deleted here, and databases of main have it",)


def test_folder_that_branch_moved_is_found_in_base(repository):
    repository.on_main().write(_104_v="CREATE VIEW v AS SELECT * FROM t;")
    repository.commit()
    git(repository.path, "checkout", "-q", "-B", "feature", "main")
    moved = repository.path / "db" / "changes"
    moved.parent.mkdir()
    repository.folder.path.rename(moved)
    (moved / "103_add.sql").write_text("ALTER TABLE t ADD COLUMN c int;")
    proof = repository.prove(moved)
    assert proof.verdict is Verdict.DIFFERENT
    assert (proof.pair.first.version, proof.pair.second.version) == (104, 103)
    assert "main has the migrations of this folder in migrations" in proof.notes


def test_clone_without_common_commit_is_error(repository, tmp_path):
    repository.on_main().write(_104_x=HARMLESS)
    repository.commit()
    repository.on_feature().write(_103_y="CREATE TABLE y (id int);")
    repository.commit()
    clone = tmp_path / "clone"
    url = f"file://{repository.path}"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", "-b", "feature", url, "clone")
    with pytest.raises(pgbraid.ConfigError, match="have no common commit") as caught:
        repository.prove(clone / "migrations", "origin/main")
    assert "fetch-depth: 0" in caught.value.hint


def test_committed_link_is_followed_within_folder(repository):
    folder = repository.on_main()
    (folder.path / "104_d").mkdir()
    (folder.path / "104_d" / "up.sql").write_text("CREATE TABLE d (i int);\n")
    (folder.path / "104_d.sql").symlink_to("104_d/up.sql")
    repository.commit("a link")
    assert repository.prove().notes == ()
    repository.on_feature().write(_103_b="ALTER TABLE t ADD COLUMN j int;")
    proof = repository.prove()
    assert proof.verdict is Verdict.SAME
    assert [m.version for m in proof.recorded_order] == [101, 102, 104, 103]


@pytest.mark.parametrize("target", ["../secret.sql", "/etc/hostname", "nowhere.sql", "104_d.sql"])
def test_committed_link_out_of_folder_is_error(repository, target):
    folder = repository.on_main()
    (repository.path / "secret.sql").write_text("SELECT 1;")
    (folder.path / "104_d.sql").symlink_to(target)
    repository.commit("a link")
    repository.on_feature().write(_103_b=HARMLESS)
    with pytest.raises(pgbraid.ConfigError, match=r"104_d\.sql is a link"):
        repository.prove()


def test_main_itself_has_nothing_out_of_order(repository):
    repository.on_main()
    proof = repository.prove()
    assert (proof.verdict, proof.notes, proof.replays) == (Verdict.SAME, (), 0)


@pytest.mark.parametrize("patterns", ["/nothing", "/migrations/101*"])
def test_files_that_sparse_checkout_leaves_out_are_error(repository, patterns):
    """They are not deleted: the branch has them."""
    repository.on_main().write(_104_v="CREATE VIEW v AS SELECT * FROM t;")
    repository.commit()
    repository.on_feature().write(_103_add="ALTER TABLE t ADD COLUMN c int;")
    repository.commit()
    git(repository.path, "sparse-checkout", "set", "--no-cone", patterns)
    repository.folder.path.mkdir(exist_ok=True)
    with pytest.raises(pgbraid.ConfigError, match=r"103_add\.sql.* sparse checkout"):
        repository.prove()
    git(repository.path, "sparse-checkout", "disable")
    assert repository.prove().verdict is Verdict.DIFFERENT


@pytest.mark.parametrize("text", ["CREATE TABLE v (a int);", "CREATE VIEW v AS SELECT 2 AS a;"])
def test_file_that_both_sides_added_with_other_texts_is_error(repository, text):
    repository.on_main().write(_104_v="CREATE VIEW v AS SELECT 1 AS a;")
    repository.commit()
    repository.on_feature().write(_104_v=text)
    repository.commit()
    with pytest.raises(pgbraid.ProblemsFound) as caught:
        repository.prove()
    assert codes(caught) == ["duplicate_version"]
    repository.folder.write(_104_v="CREATE VIEW v AS SELECT 1 AS a;")
    assert repository.prove().verdict is Verdict.SAME
