"""``up`` refuses a migration that the adopted tool has applied since, in any state of its table."""

import pytest

import pgbraid
from pgbraid import MigrationFailed, ProblemsFound

FILES = {"1_a.sql": "SELECT 1;", "2_b.sql": "CREATE TABLE b (i int);", "3_c.sql": "SELECT 3;"}
DBMATE = "CREATE TABLE schema_migrations (version varchar PRIMARY KEY);"
GOLANG = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"


def refused(migrator, database):
    with pytest.raises(ProblemsFound) as caught:
        migrator.up(database.conninfo)
    (problem,) = caught.value.problems
    return problem.code, problem.versions


def test_recorded_version_without_a_file_hides_no_other_one(database):
    database.run(f"{DBMATE} INSERT INTO schema_migrations VALUES ('1')")
    migrator = pgbraid.load(FILES)
    migrator.adopt(database.conninfo)
    database.run("INSERT INTO schema_migrations VALUES ('2'), ('9')")
    assert refused(migrator, database) == ("tracker_used_since", (2,))


def test_version_that_the_tool_did_not_complete_stops_up(database):
    database.run(f"{GOLANG} INSERT INTO schema_migrations VALUES (1, false)")
    migrator = pgbraid.load(FILES)
    migrator.adopt(database.conninfo)
    database.run("UPDATE schema_migrations SET version = 2, dirty = true")
    assert refused(migrator, database) == ("tracker_dirty", (2,))


def test_failed_attempt_of_ours_is_no_decision_of_the_user(database):
    database.run(f"{DBMATE} INSERT INTO schema_migrations VALUES ('1')")
    migrator = pgbraid.load({**FILES, "2_b.sql": "SELECT 1 / 0"})
    migrator.adopt(database.conninfo)
    with pytest.raises(MigrationFailed):
        migrator.up(database.conninfo)
    database.run("INSERT INTO schema_migrations VALUES ('2')")
    assert refused(pgbraid.load(FILES), database) == ("tracker_used_since", (2,))


def test_later_dirty_version_that_is_applied_here_does_not_stop_up(database):
    database.run(f"{GOLANG} INSERT INTO schema_migrations VALUES (1, false)")
    migrator = pgbraid.load(FILES)
    migrator.adopt(database.conninfo)
    database.run("UPDATE schema_migrations SET dirty = true")
    assert len(migrator.up(database.conninfo).applied) == 2
