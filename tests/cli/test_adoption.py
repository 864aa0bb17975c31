"""Adoption of another tool's table, and tables of other applications."""

from tests.fixtures.folders import add_gap


def test_adopt_records_versions_of_counter(cli, incident, database):
    add_gap(incident)
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (104, false); CREATE TABLE users ()"
    )
    out = cli("plan", "--not-applied", "103", code=0).out
    assert "Would adopt 3 migrations from public.schema_migrations (golang-migrate)." in out
    assert "103 | add_email | gap" in out
    adopted = cli("adopt", "--not-applied", "103", code=0).out
    assert "Adopted 3 migrations from public.schema_migrations" in adopted
    assert "not adopted, as requested: 103" in adopted
    assert cli("adopt", code=0).out == (
        "Nothing to adopt: the applied set has migrations, or had them before.\n"
        "If the other tool has applied more, record that with `pgbraid baseline --only VERSION`.\n"
    )
    assert cli("adopt", "--not-applied", "102", code=0).out == (
        "102 was removed from the applied set; the next up runs it.\n"
    )
    database.run("DROP TABLE IF EXISTS orders")
    assert "102_orders  gap" in cli("up", "--to", "102", code=0).out
    assert "103_add_email  gap" in cli("up", code=0).out
    assert cli("adopt", "--drop-tracker", code=0).out == "Dropped public.schema_migrations.\n"
    assert "no tracker of another tool was found" in cli("adopt", "--drop-tracker", code=2).err


def test_another_applications_table_is_left_alone(cli, folder, database, tmp_path):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (104, false)"
    )
    folder.put("1_a.sql", "SELECT 1")
    assert "--no-adopt" in cli("up", code=1).err
    assert "1 migration to apply" in cli("plan", "--no-adopt", code=0).out
    (tmp_path / "pgbraid.toml").write_text("adopt = false")
    assert "1 migration applied" in cli("up", code=0).out


def test_up_reports_assumptions_of_adoption(cli, incident, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (104, false)"
    )
    out = cli("up", code=0).out
    assert "Adopted 3 migrations from public.schema_migrations (golang-migrate)" in out
    assert "if it skipped one, name it with --not-applied" in out


def test_table_of_another_application_is_never_dropped(cli, folder, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (1, false)"
    )
    folder.put("1_a.sql", "SELECT 1")
    cli("up", "--no-adopt", code=0)
    assert "was not adopted" in cli("adopt", "--drop-tracker", code=2).err
    assert "--no-adopt" in cli("adopt", "--drop-tracker", "--no-adopt", code=2).err
    assert database.value("SELECT to_regclass('schema_migrations') IS NOT NULL")


def test_excluded_highest_version_does_not_keep_old_table(cli, folder, database):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        "INSERT INTO schema_migrations VALUES (2, false)"
    )
    folder.put("1_a.sql", "SELECT 1").put("2_b.sql", "SELECT 2")
    cli("adopt", "--not-applied", "2", code=0)
    assert cli("adopt", "--drop-tracker", code=0).out == "Dropped public.schema_migrations.\n"


def test_foreign_counter_without_version_is_reported(cli, folder, database):
    database.run("CREATE TABLE schema_migrations (version bigint, dirty boolean)")
    folder.put("1_a.sql", "SELECT 1")
    assert cli("adopt", code=0).out == (
        "Nothing to adopt: public.schema_migrations has no applied version.\n"
    )
