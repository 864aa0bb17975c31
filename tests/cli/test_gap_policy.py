"""``--gaps`` and the directive allow-difference."""

from tests.fixtures.proofs import GAP, HARMLESS, SETS, TABLE, VIEW


def test_policy_refuse_stops_gaps(out_of_order, cli, database):
    answer = cli("up", "--gaps", "refuse", code=1)
    assert "103_add is out of order: 104 is already applied, and --gaps is refuse" in answer.err
    assert cli("plan", code=0)
    assert database.versions() == [101, 104]


def test_policy_prove_stops_unproven_gaps(out_of_order, cli, database, scratch_env, tmp_path):
    (tmp_path / "pgbraid.toml").write_text('gaps = "prove"\n')
    answer = cli("up", env=scratch_env, code=1)
    error = (
        "103_add is out of order and not proven: in version order, the result would be different"
    )
    assert f"{error}; nothing was run" in answer.err
    assert "104_view and 103_add do not commute" in answer.err
    assert database.versions() == [101, 104]
    out_of_order.write(_103_add=HARMLESS)
    cli("up", env=scratch_env, code=0)
    assert database.versions() == [101, 103, 104]
    ((event, version, detail),) = database.rows(
        "SELECT event, version, detail FROM applied_migrations_journal WHERE event = 'proven'"
    )
    assert (event, version, detail["verdict"]) == ("proven", 103, "same")
    assert detail["order"] == [101, 104, 103]


def test_directive_allows_difference_for_reason(out_of_order, cli, database, scratch_env):
    out_of_order.write(_103_add=f"-- pgbraid: allow-difference=105 makes the view again\n{GAP}")
    assert cli("check", "--offline", code=0)
    cli("up", "--gaps", "prove", env=scratch_env, code=0)
    (allowed,) = database.rows(
        "SELECT detail->>'allowed' FROM applied_migrations_journal WHERE event = 'proven'"
    )
    assert allowed == ("103_add allows it: 105 makes the view again",)


def test_directive_allows_nothing_but_its_own_difference(out_of_order, cli, scratch_env):
    out_of_order.write(_103_add=f"-- pgbraid: allow-difference=the view is known\n{GAP}")
    assert "Accepted: 103_add allows it" in cli("prove", env=scratch_env, code=0).out
    out_of_order.write(_102_other="CREATE VIEW v AS SELECT 1 AS one;")
    out_of_order.write(_105_again="CREATE VIEW w AS SELECT * FROM t;")
    assert cli("prove", env=scratch_env, code=1).out.startswith("fails: ")
    out_of_order.write(_102_other="COMMENT ON TABLE t IS '102';", _101_table=TABLE)
    out_of_order.remove("105_again.sql")
    cli("prove", env=scratch_env, code=0)
    out_of_order.write(_104_view=f"{VIEW} COMMENT ON TABLE t IS '104';")
    answer = cli("prove", env=scratch_env, code=1)
    assert "104_view and 102_other do not commute" in answer.out
    assert "Accepted" not in answer.out


def test_only_pending_gaps_need_proof(out_of_order, cli, scratch_env):
    cli("up", "--gaps", "apply", code=0)
    cli("prove", env=scratch_env, code=1)
    out_of_order.write(_102_more=HARMLESS)
    answer = cli("up", "--gaps", "prove", "--dry-run", env=scratch_env, code=0)
    assert "proven: both orders end the same" in answer.err
    cli("up", "--gaps", "prove", env=scratch_env, code=0)


def test_dry_run_proves_too(out_of_order, cli, scratch_env, database):
    assert (
        "104_view and 103_add"
        in cli("up", "--gaps", "prove", "--dry-run", env=scratch_env, code=1).err
    )
    assert database.versions() == [101, 104]


def test_directive_without_reason_is_mistake(out_of_order, cli):
    out_of_order.write(_103_add=f"-- pgbraid: allow-difference\n{GAP}")
    answer = cli("check", "--offline", code=1)
    assert "allow-difference needs a reason" in answer.err


def test_session_settings_count_under_lock(folder, cli, scratch_env, database):
    database.run(
        "CREATE SCHEMA app; CREATE TABLE app.t (a int); CREATE TABLE public.t (a int);"
        + SETS.format("search_path = app, public")
    )
    schema = (
        "CREATE SCHEMA IF NOT EXISTS app; CREATE TABLE IF NOT EXISTS app.t (a int);"
        "CREATE TABLE IF NOT EXISTS public.t (a int);"
    )
    folder.write(_101_schema=schema, _104_view="CREATE VIEW app.v AS SELECT * FROM app.t;")
    cli("up", code=0)
    folder.write(_103_add="ALTER TABLE t ADD COLUMN b int;")
    answer = cli("up", "--gaps", "prove", env=scratch_env, code=1)
    assert "104_view and 103_add do not commute" in answer.err
