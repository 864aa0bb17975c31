"""Every command of the pages for other tools runs as it is written, on a database of the tool.

The database has the schema that the tool's files make, and the tracker that the real tool left. The
files are where the page says. What a line prints is what the page shows.
"""

import shlex
import shutil
from dataclasses import dataclass

import pytest

from pgbraid.cli.parser import parse_arguments
from pgbraid.importers.tools import tool_named
from pgbraid.migrate.convert import convert_files
from pgbraid.sql.parser import parse
from tests.fixtures.documents import ROOT, blocks, lines_of, reported, run_in_one_shell
from tests.importers.test_trackers import FIXTURES, restore


@dataclass(frozen=True)
class Project:
    """The project of a page: where its files are, and what the tool has applied."""

    layout: str
    case: str = "complete"
    skipped: str = "none"
    """The version that the tool never ran, if the page is about it."""


PROJECTS = {
    "alembic": Project("alembic"),
    "dbmate": Project("db/migrations"),
    "django": Project(".", case="other_apps"),
    "flyway": Project("sql"),
    "golang-migrate": Project("migrations", skipped="3"),
    "goose": Project("migrations"),
    "knex": Project("migrations"),
    "liquibase": Project("changelog"),
    "prisma": Project("prisma/migrations"),
    "sqlx": Project("migrations"),
}


def fixtures_of(tool):
    return FIXTURES / tool.replace("-", "_")


def page_of(tool):
    return f"docs/from-{tool}.md"


def sql_files(tool, tmp_path):
    """Return the SQL files that make the schema of a tool's fixture, in order."""
    folder = fixtures_of(tool) / "converted"
    if tool == "knex":  # its scripts run the text of these
        folder = FIXTURES / "umzug" / "migrations"
    elif not folder.is_dir():
        folder = tmp_path / "as_files"
        convert_files(tool_named(tool), fixtures_of(tool) / "migrations", folder)
    return [path for path in sorted(folder.glob("*.sql")) if not path.name.endswith(".down.sql")]


@pytest.fixture(params=PROJECTS)
def tool(request):
    return request.param


@pytest.fixture
def project(tool, database, tmp_path):
    """A folder and a database as the tool has left them."""
    database.as_made()
    for path in sql_files(tool, tmp_path):
        if not path.name.startswith(f"{PROJECTS[tool].skipped}_"):
            script = parse(path.read_text())
            for statement in script.statements:
                database.run(script.text[statement.start : statement.end])
    restore(database, fixtures_of(tool) / PROJECTS[tool].case / "dump.sql")
    folder = tmp_path / "project"
    layout = folder / PROJECTS[tool].layout
    shutil.copytree(fixtures_of(tool) / "migrations", layout)
    return folder


def runnable(command, tool):
    """Return the command, or a copy of what it wrote if it needs a tool that is not installed."""
    words = shlex.split(command) if "--python" in command else []
    if not words:
        return command
    arguments = parse_arguments(words[1:])
    assert (arguments.command, arguments.tool) == ("convert", tool)
    made = fixtures_of(tool) / "converted"
    return f"mkdir -p {arguments.destination} && cp -R {made}/. {arguments.destination}"


def test_commands_of_page_run_as_they_are_written(tool, project, environment, database):
    lines = [line for _, block in blocks(page_of(tool)) for line in lines_of(block)]
    assert {language for language, _ in blocks(page_of(tool))} == {"console"}
    shell = {**environment, "DATABASE_URL": database.conninfo}
    done = run_in_one_shell([runnable(line.command, tool) for line in lines], project, shell)
    assert len(done) == len(lines)
    for line, (out, code) in zip(lines, done, strict=True):
        assert reported(out) == reported(line.shown), f"$ {line.command}"
        assert (code == 0) == ("drifted:" not in line.shown), f"$ {line.command}"


def test_every_page_is_linked(tool):
    name = f"from-{tool}.md"
    assert f"({name})" in (ROOT / "docs" / "from-other-tools.md").read_text()
    assert f"(docs/{name})" in (ROOT / "README.md").read_text()


def test_every_page_has_project():
    pages = {path.stem.removeprefix("from-") for path in (ROOT / "docs").glob("from-*.md")}
    assert pages - {"other-tools"} == PROJECTS.keys()
