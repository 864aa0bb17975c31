"""``baseline --verify`` compares the database with a replay before it records anything."""

import pytest

import pgbraid

FILES = {
    "1_users.sql": "CREATE TABLE users (id int PRIMARY KEY);",
    "2_email.sql": "ALTER TABLE users ADD email text;",
    "3_orders.sql": "CREATE TABLE orders (id int);",
}
BOTH = FILES["1_users.sql"] + FILES["2_email.sql"]


@pytest.fixture(autouse=True)
def made(database):
    """Undo the change of the fixture, which the comparison would find."""
    database.as_made()


@pytest.fixture
def migrator(server):
    return pgbraid.load(FILES, scratch_url=server)


def test_equal_database_is_recorded(database, migrator):
    database.run(BOTH)
    baselined = migrator.baseline(database.conninfo, 2, verify=True)
    assert baselined.ok
    assert [m.version for m in baselined.migrations] == [1, 2]
    assert baselined.drift.differences == ()
    assert [s.migration.version for s in migrator.plan(database.conninfo).steps] == [3]


def test_different_database_is_not_recorded(database, migrator):
    database.run(BOTH)
    baselined = migrator.baseline(database.conninfo, 3, verify=True)
    assert not baselined.ok
    assert "table public.orders" in {d.name for d in baselined.drift.differences}
    assert baselined.migrations == ()
    assert database.value("SELECT to_regclass('applied_migrations') IS NULL")


def test_ignored_objects_do_not_stop_it(database, migrator):
    database.run(f"{BOTH} CREATE TABLE audit (id int);")
    assert not migrator.baseline(database.conninfo, 2, verify=True).ok
    ignore = ["table public.audit", "column public.audit.*"]
    assert migrator.baseline(database.conninfo, 2, verify=True, ignore=ignore).ok


def test_versions_that_are_applied_are_replayed_too(database, migrator):
    pgbraid.load({"1_users.sql": FILES["1_users.sql"]}).up(database.conninfo)
    database.run(FILES["2_email.sql"])
    assert not migrator.baseline(database.conninfo, 3, verify=True).ok
    assert migrator.baseline(database.conninfo, only=[2], verify=True).ok
    assert migrator.check(database.conninfo).problems[0].versions == (3,)


def test_command_prints_differences_and_exits_with_1(database, folder, cli, server):
    for name, text in FILES.items():
        folder.put(name, text)
    database.run(BOTH)
    answer = cli("baseline", "3", "--verify", "--scratch", server, code=1)
    assert "table public.orders" in answer.out
    assert answer.out.endswith("Nothing was recorded.\n")
    answer = cli("baseline", "2", "--verify", "--scratch", server, code=0)
    assert "2 migrations recorded as applied" in answer.out
    assert cli("baseline", "3", "--json", "--verify", "--scratch", server, code=1).json["drift"]
