"""`pgbraid new`: the command."""

import re
import subprocess
import sys

import pytest

from tests.fixtures.git import git


@pytest.fixture
def parallel(folder, tmp_path):
    """A repository with two branches, and a folder with a sequence."""
    folder.write(_001_a="SELECT 1")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    git(tmp_path, "branch", "other")
    return folder


def test_timestamp_of_repository_is_explained_in_one_line(program, parallel):
    answer = program("new", "b", code=0)
    assert re.fullmatch(r"migrations/\d{14}_b\.sql\n", answer.out)
    assert answer.err == (
        "NOTE:  the version is a timestamp, because the repository has 2 branches; for the next "
        'number of a sequence: --sequential, or the setting numbering = "sequential"\n'
    )
    assert program("new", "c", code=0).err == ""
    assert program("new", "d", "--quiet", code=0).err == ""


@pytest.mark.parametrize("option", ["--sequential", "--timestamp"])
def test_option_needs_no_explanation(program, parallel, option):
    assert program("new", "b", option, code=0).err == ""


def test_setting_chooses_and_option_wins(program, parallel, tmp_path):
    (tmp_path / "pgbraid.toml").write_text('numbering = "sequential"')
    assert program("new", "b", code=0).out == "migrations/002_b.sql\n"
    assert re.match(r"migrations/\d{14}_c", program("new", "c", "--timestamp", code=0).out)
    (tmp_path / "pgbraid.toml").write_text('numbering = "random"')
    assert "numbering must be auto, timestamp or sequential" in program("new", "d", code=2).err


def test_document_names_numbering_and_reason(program, parallel):
    document = program("new", "b", "--json", code=0).json
    assert (document["numbering"], document["reason"]) == (
        "timestamp",
        "the repository has 2 branches",
    )
    document = program("new", "c", "--sequential", "--json", code=0).json
    assert (document["numbering"], document["files"]) == ("sequential", ["migrations/002_c.sql"])


def test_unfinished_file_is_refused_by_check_of_files(program, folder):
    program("new", "b", code=0)
    assert "001_b.sql has no statement" in program("check", "--offline", code=1).err


def test_full_disk_leaves_no_unfinished_pair(tmp_path, clean_env):
    """A limit on the size of files stands for a full disk: creating a file still works."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "001_a.up.sql").write_text("SELECT 1;")
    code = (
        "import resource, sys\n"
        "from pgbraid.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "sys.exit(main(['new', 'b']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert [path.name for path in folder.iterdir()] == ["001_a.up.sql"]
