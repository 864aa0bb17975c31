"""Each folder of examples/tests runs as it stands, with the plugins that it uses."""

import shutil
from pathlib import Path

import pytest

from tests.fixtures.suites import PLUGINS, Project

EXAMPLES = Path(__file__).parents[2] / "examples" / "tests"
CASES = {
    "anyio": (("anyio",), (), 2),
    "django": (("django",), (), 4),
    "django on two workers": (("django",), ("-n", "2"), 4),
    "fastapi": ((), (), 2),
    "pytest_asyncio": (("asyncio",), (), 2),
    "sqlalchemy_asyncpg": (("asyncio",), (), 2),
    "sqlalchemy_sync": ((), (), 3),
    "testcontainers": ((), (), 1),
    "xdist": ((), ("-n", "4", "--dist", "loadgroup"), 10),
}


@pytest.mark.parametrize("case", CASES)
def test_example_runs_as_it_stands(case, project, server, tmp_path):
    plugins, words, passed = CASES[case]
    shutil.copytree(EXAMPLES / case.partition(" ")[0], tmp_path / "example")
    without = [w for p in PLUGINS if p not in plugins for w in ("-p", f"no:{p}")]
    ini = tmp_path / "example" / "pytest.ini"
    if not ini.exists():
        ini.write_text("[pytest]\n")
    env = dict(project.env)
    if case == "testcontainers":
        env["PGBRAID_TEST_DSN"] = server  # in place of a container
    example = Project(tmp_path / "example", env, tuple(without))
    out = example.run("-q", "-W", "error", *words)
    assert f"{passed} passed" in out


def test_every_example_is_run():
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert folders == {case.partition(" ")[0] for case in CASES}


@pytest.mark.parametrize(
    ("name", "glue"), [("fastapi", ["conftest.py"]), ("django", ["settings_for_tests.py"])]
)
def test_frameworks_need_at_most_five_lines_of_glue(name, glue):
    ours = [
        line
        for file in (*glue, "conftest.py")
        for line in (EXAMPLES / name / file).read_text().splitlines()
        if any(
            word in line for word in ("pgbraid", "DATABASE_URL", "worker_url", "django_db_setup")
        )
    ]
    assert len(ours) <= 5
