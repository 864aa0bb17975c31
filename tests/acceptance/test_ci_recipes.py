"""The recipes for CI in docs/proof.md run as they are written, on a branch with an error."""

import re
from pathlib import Path

import pytest

from tests.fixtures.documents import run_in_one_shell
from tests.fixtures.git import git
from tests.fixtures.programs import Answer
from tests.fixtures.proofs import GAP, HARMLESS, TABLE, VIEW
from tests.fixtures.reports import annotations, places, quality, sarif

DOCUMENT = (Path(__file__).parents[2] / "docs" / "proof.md").read_text()
(SECTION,) = re.findall(r"^## In CI\n(.*?)^## ", DOCUMENT, re.MULTILINE | re.DOTALL)
RECIPES = re.findall(r"^```yaml\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
EXPRESSION = "${{ github.base_ref || 'main' }}"
INSTEAD = {"pip install 'pgbraid[embedded]'": "pgbraid --version"}
"""What runs instead of a line: pgbraid is installed here, and no test takes it from an index."""


def commands_of(recipe):
    """Return the commands of a recipe: of each step ``run``, or of the list ``script``."""
    if "script:\n" in recipe:
        (items,) = re.findall(r"^  script:\n((?:    - .*\n)+)", recipe, re.MULTILINE)
        lines = re.findall(r"^    - (.*)$", items, re.MULTILINE)
    else:
        lines = re.findall(r"^ *- run: (.*)$", recipe, re.MULTILINE)
    plain = [re.sub(r"\s+#\s.*", "", line).replace(EXPRESSION, "main") for line in lines]
    return [INSTEAD.get(line, line) for line in plain]


@pytest.fixture
def checkout(tmp_path):
    """A clone of a repository, with a branch that adds a gap below a migration of main."""
    origin, clone = tmp_path / "origin", tmp_path / "project"
    (origin / "migrations").mkdir(parents=True)
    git(origin, "init", "-q", "-b", "main")
    (origin / "migrations" / "101_table.sql").write_text(TABLE)
    (origin / "migrations" / "104_view.sql").write_text(VIEW)
    git(origin, "add", "-A")
    git(origin, "commit", "-qm", "x")
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    git(clone, "checkout", "-qb", "feature")
    return clone


@pytest.fixture
def run(checkout, environment):
    """Run a recipe on a branch with this migration; return the answer of its check."""

    def run_recipe(number, text):
        (checkout / "migrations" / "103_add.sql").write_text(text)
        commands = commands_of(RECIPES[number])
        done = run_in_one_shell(commands, checkout, {**environment, "TARGET": "main"})
        answers = dict(zip(commands, done, strict=True))
        (check,) = [command for command in commands if "pgbraid check" in command]
        out, code = answers.pop(check)
        assert {code for _, code in answers.values()} <= {0}, answers
        return Answer(code, out, "")

    return run_recipe


def test_section_has_three_recipes():
    assert [len(commands_of(recipe)) for recipe in RECIPES] == [3, 1, 3]


def test_recipe_of_github_annotates_pair(run):
    answer = run(0, GAP)
    assert answer.code == 1
    expected = ("error", "not_commuting", "migrations/103_add.sql", "1")
    assert expected in annotations(answer)
    assert run(0, HARMLESS).code == 0


def test_recipe_of_sarif_writes_log(run, checkout):
    assert run(1, GAP).code == 1
    log = sarif(Answer(0, (checkout / "pgbraid.sarif").read_text(), ""))
    assert ("error", "not_commuting", "migrations/103_add.sql", 1) in places(log)
    assert run(1, HARMLESS).code == 0


def test_recipe_of_gitlab_writes_report(run, checkout):
    git(checkout, "update-ref", "-d", "refs/remotes/origin/main")  # a runner fetches one ref
    assert run(2, GAP).code == 1
    report = checkout / "gl-code-quality-report.json"
    codes = [entry["check_name"] for entry in quality(Answer(0, report.read_text(), ""))]
    assert codes == ["base_gap", "not_commuting"]
    assert run(2, HARMLESS).code == 0
