"""Real migrations of public projects, if the shared corpus is available."""

import os
import random
import re
import shutil

import pytest

import pgbraid
from pgbraid.model.results import State
from pgbraid.source.content import read_script

pytestmark = pytest.mark.corpus


@pytest.fixture
def openmeter(corpus, folder, database):
    """openmeter's folder of 269 migrations, and a database with the extension that they need."""
    if not database.rows("SELECT name FROM pg_available_extensions WHERE name = 'pgcrypto'"):
        uses = any(
            "pgcrypto" in path.read_text()
            for path in (corpus / "openmeter" / "migrations").glob("*.up.sql")
        )
        if uses:
            pytest.skip("this server has no pgcrypto")
    shutil.copytree(corpus / "openmeter" / "migrations", folder.path)
    return folder


def test_real_folder_is_applied_once(openmeter, database):
    assert len(openmeter.load().up(database.conninfo).applied) == 269
    assert openmeter.load().up(database.conninfo).previously_applied == 269


def independent(migrator):
    """Return the migrations that only add names, and whose names no later migration uses."""
    files = migrator.migrations.migrations
    names = [set(re.findall(r'"([^"]+)"', read_script(m)[1].text)) for m in files]
    independents = []
    for index, migration in enumerate(files):
        text = read_script(migration)[1].text.upper()
        new = names[index].difference(*names[:index])
        used = new.intersection(*[set().union(*names[index + 1 :])])
        if new and not used and not re.search(r"\b(DROP|RENAME|UPDATE|INSERT|DELETE)\b", text):
            independents.append(migration)
    return independents


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_files_removed_from_middle_run_as_gaps(openmeter, database, seed, tmp_path):
    choice = independent(openmeter.load())
    assert len(choice) >= 10
    ten = sorted(random.Random(seed).sample(choice[:-3], 10), key=lambda m: m.version)
    for migration in ten:
        shutil.move(openmeter.path / migration.file, tmp_path / migration.file)
        shutil.move(openmeter.path / migration.down, tmp_path / migration.down)
    openmeter.load().up(database.conninfo)
    for migration in ten:
        shutil.move(tmp_path / migration.file, openmeter.path / migration.file)
        shutil.move(tmp_path / migration.down, openmeter.path / migration.down)
    whole = openmeter.load()
    versions = [m.version for m in ten]
    states = whole.status(database.conninfo)
    assert [row.version for row in states.rows if row.state is State.GAP] == versions
    assert [s.migration.version for s in whole.plan(database.conninfo).gaps] == versions
    assert not whole.check(database.conninfo).ok
    report = whole.up(database.conninfo)
    assert [(o.migration.version, o.gap) for o in report.applied] == [(v, True) for v in versions]
    assert whole.check(database.conninfo).ok


def test_every_real_text_is_parsed(corpus):
    for name in ("openmeter", "supabase-auth", "hatchet"):
        migrator = pgbraid.load(os.fspath(corpus / name / "migrations"))
        for migration in migrator.migrations.migrations:
            script = read_script(migration)[1]
            assert script.unterminated is None
            assert script.statements or name == "hatchet"
