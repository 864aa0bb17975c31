"""Every block of README.md and of some pages of docs runs as it is written.

The ``$`` lines of a document run in order, in one shell, in a new git repository. Where the
document shows what a line prints, the line prints that; times and the server's version may
differ. A line that shows an error ends with a code other than 0, every other line with 0.
"""

import re
import subprocess
import sys

import pytest

from tests.fixtures.documents import ROOT, blocks, lines_of, reported, run_in_one_shell

DOCUMENTS = (
    *("README.md", "docs/quickstart.md", "docs/logging.md", "docs/server.md", "docs/testing.md"),
)
INSTEAD = {
    "make demo": ("pgbraid demo", "the target's recipe; the folder here is a user's project"),
    "make test": (f"make -n -C {ROOT} test", "this test is a part of it"),
    "make matrix": (f"make -n -C {ROOT} matrix", "it fetches six servers and runs for minutes"),
    "pip install 'pgbraid[embedded]'": (
        "pgbraid --version",
        "it is installed here, with its server; no test takes it from an index",
    ),
    "pip install 'pgbraid[embedded]' pytest": (
        "pytest --version",
        "they are installed here; no test takes them from an index",
    ),
    "export PGBRAID_TEST_DSN=postgresql://tester@db.example/postgres": (
        'export PGBRAID_TEST_DSN="$TEST_DATABASE"',
        "there is no such server; the test's own takes its place",
    ),
    "export PGBRAID_DATABASE_URL=postgresql://deploy@db.example/app": (
        'export PGBRAID_DATABASE_URL="$TEST_DATABASE"',
        "there is no such server; the test's database takes its place",
    ),
    'migrator.up("postgresql://db.example/app")': (
        'migrator.up(__import__("os").environ["TEST_DATABASE"])',
        "the same",
    ),
    'migrator.up("postgresql://db.example/app", on_event=tracing())': (
        'migrator.up(__import__("os").environ["TEST_DATABASE"], on_event=tracing())',
        "the same",
    ),
    'report = migrator.up("postgresql://db.example/app")': (
        'report = migrator.up(__import__("os").environ["TEST_DATABASE"])',
        "the same",
    ),
}
"""Lines that a test cannot run as they stand: what runs instead, and why."""
COMMENT = re.compile(r"\s+#\s.*")


def runnable(command):
    """Return the command itself, or its replacement if it has one."""
    plain = COMMENT.sub("", command) if "\n" not in command else command
    return INSTEAD[plain][0] if plain in INSTEAD else command


@pytest.fixture
def project(tmp_path):
    """A user's folder: a clone whose origin has a main without migrations."""
    origin, clone = tmp_path / "origin", tmp_path / "project"

    def git(*words):
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *identity, *words], check=True, capture_output=True)

    git("init", "--initial-branch=main", origin)
    git("-C", origin, "commit", "--allow-empty", "--message", "empty")
    git("clone", origin, clone)
    return clone


@pytest.mark.parametrize("document", DOCUMENTS)
def test_blocks_run_as_they_are_written(document, project, environment):
    lines = [
        line
        for language, block in blocks(document)
        if language == "console"
        for line in lines_of(block)
    ]
    done = run_in_one_shell([runnable(line.command) for line in lines], project, environment)
    assert len(done) == len(lines)
    for line, (out, code) in zip(lines, done, strict=True):
        assert (code == 0) == ("ERROR:" not in line.shown), f"$ {line.command}\n{out}"
        if line.shown:
            assert reported(out) == reported(line.shown), f"$ {line.command}"
    for language, block in blocks(document):
        if language == "python":
            code = "\n".join(INSTEAD.get(each, (each,))[0] for each in block.splitlines())
            subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, check=True)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_blocks_are_of_kind_that_runs(document):
    assert {language for language, _ in blocks(document)} <= {"console", "python"}


def test_replaced_lines_are_all_in_documents():
    commands = {
        COMMENT.sub("", line.removeprefix("$ "))
        for document in DOCUMENTS
        for _, block in blocks(document)
        for line in block.splitlines()
    }
    assert set(INSTEAD) <= commands


def test_readme_records_no_empty_migration(project, environment, database):
    use = next(block for _, block in blocks("README.md") if "pgbraid new" in block)
    commands = [runnable(line.command) for line in lines_of(use)]
    run_in_one_shell(commands, project, environment)
    assert (project / "migrations" / "001_create_users.sql").read_text().strip()
    assert database.value("SELECT to_regclass('public.users') IS NOT NULL")
    assert database.versions() == [1]
