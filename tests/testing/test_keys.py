"""A template is shared by everything that makes the same one, and by nothing else."""

import threading

import psycopg
import pytest

from pgbraid.postgres.clones.cached_data import key_for
from pgbraid.testing.recipe import recipe_before, recipe_of
from pgbraid.testing.suite import Suite, SuiteOptions
from tests.fixtures.suites import FILES, migrator, names

OTHER = {
    "edited": {**FILES, "102_ages.sql": "ALTER TABLE users ADD COLUMN age bigint;"},
    "renamed": {"101_users.sql": FILES["101_users.sql"], "102_a.sql": FILES["102_ages.sql"]},
    "renumbered": {"101_users.sql": FILES["101_users.sql"], "103_ages.sql": FILES["102_ages.sql"]},
    "added": {**FILES, "103_more.sql": "SELECT 1;"},
    "removed": {"101_users.sql": FILES["101_users.sql"]},
}


def key(files=None, seeds=(), **settings):
    return recipe_of(migrator(files, **settings), seeds).key


@pytest.mark.parametrize("change", OTHER)
def test_changed_file_has_another_key(change):
    assert key(OTHER[change]) != key()


@pytest.mark.parametrize(
    "settings",
    [{"schema": "app"}, {"table": "versions"}, {"role": "deploy"}, {"search_path": "app"}],
    ids=str,
)
def test_other_settings_have_another_key(settings):
    assert key(**settings) != key()


def test_same_files_have_same_key():
    assert key() == key(dict(reversed(FILES.items())))


def test_each_seed_has_another_key(tmp_path):
    seed = tmp_path / "seed.sql"
    seed.write_text("INSERT INTO users (name) VALUES ('a')")
    first = key(seeds=(str(seed),))
    seed.write_text("INSERT INTO users (name) VALUES ('b')")
    assert len({key(), first, key(seeds=(str(seed),))}) == 3


def test_each_prelude_has_another_key(tmp_path):
    prelude = tmp_path / "prelude.sql"
    prelude.write_text("SELECT 1")
    first = key(prelude=str(prelude))
    prelude.write_text("SELECT 2")
    assert first != key(prelude=str(prelude))


def test_other_server_has_another_key():
    assert key_for(key(), "17.4") != key_for(key(), "17.5")


def test_database_before_version_has_key_of_files_below():
    before = recipe_before(migrator(), 102).key
    assert before == recipe_before(migrator(OTHER["edited"]), 102).key
    assert before != key()


@pytest.fixture
def one_name():
    """Files whose template no other test makes."""
    import uuid  # noqa: PLC0415

    return {"1_a.sql": f"CREATE TABLE t (); -- {uuid.uuid4()}"}


def test_two_sessions_at_once_share_template(server, one_name):
    suites = [Suite(SuiteOptions(server)) for _ in range(2)]
    before = set(names(server, "pgbraid\\_tmpl%"))
    made = []

    def take(suite):
        made.append(suite.migrated(migrator(one_name)).name)

    threads = [threading.Thread(target=take, args=(suite,)) for suite in suites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    templates = set(names(server, "pgbraid\\_tmpl%")) - before
    for suite in suites:
        suite.close()
    assert len(set(made)) == 2
    assert len(templates) == 1
    assert not set(made) & set(names(server))


def test_incomplete_template_of_killed_run_is_made_again(server, one_name):
    suite = Suite(SuiteOptions(server))
    suite.migrated(migrator(one_name))
    (name,) = {name for name in names(server, "pgbraid\\_tmpl%") if name in suite.templates()}
    suite.close()
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {name} IS_TEMPLATE false ALLOW_CONNECTIONS true")
    with psycopg.connect(psycopg.conninfo.make_conninfo(server, dbname=name)) as conn:
        conn.execute("DROP TABLE t")
    suite = Suite(SuiteOptions(server))
    with suite.migrated(migrator(one_name)).connect() as conn:
        assert conn.execute("SELECT to_regclass('t')::text").fetchone() == ("t",)
    suite.close()


def test_template_that_fails_is_dropped(server, one_name):
    files = {**one_name, "2_b.sql": "CREATE TABLE u (); SELECT nothing;"}
    before = names(server, "pgbraid\\_t%")
    suite = Suite(SuiteOptions(server))
    with pytest.raises(Exception, match="nothing") as first:
        suite.migrated(migrator(files))
    with pytest.raises(Exception, match="nothing") as second:
        suite.migrated(migrator(files))
    suite.close()
    assert first.value is second.value
    assert names(server, "pgbraid\\_t%") == before


def test_template_unused_for_week_is_dropped_and_used_one_stays(server, one_name):
    suite = Suite(SuiteOptions(server))
    suite.migrated(migrator(one_name))
    (old,) = suite.templates()
    suite.close()
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f"COMMENT ON DATABASE {old} IS 'pgbraid: used 2020-01-01'")
        conn.execute("CREATE DATABASE pgbraid_tmpl_00000000000000000000000000000000")
    suite = Suite(SuiteOptions(server))
    suite.migrated(migrator())
    (used,) = suite.templates()
    suite.close()
    templates = names(server, "pgbraid\\_tmpl%")
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute("DROP DATABASE pgbraid_tmpl_00000000000000000000000000000000")
    assert old not in templates
    assert used in templates
    assert "pgbraid_tmpl_00000000000000000000000000000000" in templates


def test_cache_keeps_two_templates_used_last(project, tmp_path):
    cache = tmp_path / "cache"
    for number in range(3):
        project.write("migrations/103_more.sql", f"SELECT {number};")
        project.run(XDG_CACHE_HOME=str(cache))
    kept = [path for path in (cache / "pgbraid" / "test").iterdir() if path.is_dir()]
    assert len(kept) == 2


def test_changed_file_is_never_served_old_template(project):
    project.run()
    project.write("migrations/102_ages.sql", "ALTER TABLE users RENAME TO people;")
    project.write(
        "test_users.py",
        "def test_name(pgbraid_db):\n"
        "    with pgbraid_db.connect() as conn:\n"
        "        conn.execute('SELECT * FROM people')\n",
    )
    project.run()
