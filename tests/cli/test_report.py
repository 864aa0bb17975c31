"""``report``: the file, the document, the sections that options add."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

import pgbraid
from tests.fixtures.pages import Elements
from tests.fixtures.proofs import CHANGES, GAP, HARMLESS, TABLE, VIEW

FILE = "pgbraid-report.html"


@pytest.fixture
def applied(out_of_order, cli):
    """A database on which 103 ran after 104."""
    cli("up", code=0)
    return out_of_order


def page(tmp_path, name=FILE):
    return Elements((tmp_path / name).read_text(encoding="utf-8"))


def test_page_is_written_and_figures_are_printed(applied, cli, tmp_path):
    answer = cli("report", code=0)
    assert answer.out.splitlines() == [
        "applied:               3",
        "of them out of order:  1",
        "pending:               0",
        "gaps:                  0",
        "proof:                 not proven",
        "drift:                 not compared",
        "runs:                  2",
        "pgbraid-report.html written.",
    ]
    found = page(tmp_path)
    assert "1 pair of migrations stands in another order" in found.text
    assert "103_add" in found.text
    assert "run 2 ·" in found.text


def test_document_has_the_same_values_and_no_file_is_written(applied, cli, tmp_path):
    document = cli("report", "--json", code=0).json
    assert document["command"] == "report"
    assert document["file"] is None
    assert not (tmp_path / FILE).exists()
    assert [m["version"] for m in document["migrations"]] == [101, 104, 103]
    assert [b["out_of_order"] for b in document["blocks"]] == [False, False, True]
    document = cli("report", "--json", "--output", "x.html", code=0).json
    assert document["file"] == "x.html"
    assert (tmp_path / "x.html").exists()


def test_gap_is_pending_and_nothing_is_written_to_the_database(out_of_order, cli, database):
    before = database.value("SELECT count(*) FROM applied_migrations_journal")
    document = cli("report", "--json", code=0).json
    assert document["tiles"]["gaps"] == 1
    assert document["inversions"] == 1
    assert database.value("SELECT count(*) FROM applied_migrations_journal") == before


def test_database_without_ledger_has_a_page(folder, cli, database, tmp_path):
    folder.write(_1_a=TABLE, _2_b=HARMLESS)
    cli("report", code=0)
    assert "Nothing applied yet." in page(tmp_path).text
    assert database.value("SELECT to_regclass('applied_migrations')") is None


def test_proof_and_drift_are_added(applied, cli, scratch_env, database, tmp_path):
    database.as_made()
    database.run(CHANGES["index public.t_a_idx"])
    answer = cli("report", "--prove", "--drift", env=scratch_env, code=0)
    assert "proof:                 different" in answer.out
    assert "drifted objects:       1" in answer.out
    text = page(tmp_path).text
    assert "104_view and 103_add do not commute" in text
    assert "index public.t_a_idx only here" in text
    document = cli("report", "--prove", "--drift", "--json", env=scratch_env, code=0).json
    assert [b["versions"][0] for b in document["blocks"] if b["pair"]] == [104, 103]
    assert document["proof"]["verdict"] == "different"
    assert document["drift"]["drifted"] == 1


def test_strict_gives_the_exit_codes_of_prove_and_drift(applied, cli, scratch_env, database):
    database.as_made()
    assert cli("report", "--drift", "--strict", env=scratch_env, code=0)
    assert cli("report", "--prove", "--strict", env=scratch_env, code=1)
    accepted = ("--accept", "different")
    assert cli("report", "--prove", "--strict", *accepted, env=scratch_env, code=0)
    database.run(CHANGES["column public.t.z"])
    assert cli("report", "--drift", "--strict", env=scratch_env, code=1)


def test_proof_of_a_branch_and_of_a_file(branch, cli, scratch_env, tmp_path):
    cli("up", code=0)
    branch.write(_103_add=GAP)
    document = cli("report", "--prove", "--base", "main", "--json", env=scratch_env, code=0).json
    assert document["proof"]["verdict"] == "different"
    (tmp_path / "order.json").write_text("[101, 103, 104]")
    words = ("report", "--prove", "--history", "order.json", "--json")
    assert cli(*words, env=scratch_env, code=0).json["proof"]["verdict"] == "same"


def test_proof_that_fails_is_shown_with_its_exit_code(applied, cli, tmp_path):
    nowhere = {"PGBRAID_SCRATCH_URL": "postgresql://localhost:1/x?connect_timeout=1"}
    answer = cli("report", "--prove", "--drift", env=nowhere)
    assert answer.code == 4
    assert "could not be made" in answer.out
    text = page(tmp_path).text
    assert "Proof error ERROR:" in text
    assert "Drift error ERROR:" in text


def test_missing_database_is_an_error(folder, cli):
    folder.write(_1_a=TABLE)
    nowhere = "postgresql://localhost:1/x?connect_timeout=1"
    assert cli("report", env={"PGBRAID_DATABASE_URL": nowhere}).code == 4


def test_existing_file_is_replaced(applied, cli, tmp_path):
    (tmp_path / "old.html").write_text("old" * 100_000)
    cli("report", "--output", "old.html", code=0)
    assert (tmp_path / "old.html").read_text().endswith("</html>\n")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".old")] == []


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_link_and_device_stay_as_they_are(applied, cli, tmp_path):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    cli("report", "--output", "link.html", code=0)
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text().endswith("</html>\n")
    answer = cli("report", "--output", "/dev/stdout", code=0)
    assert answer.out.startswith("<!DOCTYPE html>")
    assert not Path("/dev/stdout").is_file() or Path("/dev/stdout").is_symlink()


@pytest.mark.parametrize("output", [".", "missing/x.html", ""])
def test_output_that_cannot_be_written_is_refused_before_anything(applied, cli, output):
    answer = cli("report", "--output", output, code=2)
    assert "cannot write" in answer.err
    assert not answer.out


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="needs users")
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written_is_an_error(applied, cli, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "cannot write" in cli("report", "--output", "closed/x.html", code=2).err


def test_hazards_of_a_file_are_shown(applied, cli, tmp_path):
    finding = {"rule": "A1", "severity": "error", "message": "rewrites it", "version": 103}
    (tmp_path / "h.json").write_text(json.dumps({"findings": [finding]}))
    assert "hazards:               1" in cli("report", "--hazards", "h.json", code=0).out
    assert "rewrites it" in page(tmp_path).text
    (tmp_path / "h.json").write_text('{"findings": [{"rule": 1}]}')
    answer = cli("report", "--hazards", "h.json", code=2)
    assert "h.json: findings[0] has no severity" in answer.err


def test_order_of_a_proof_needs_the_option_prove(applied, cli):
    for words in (("--base", "main"), ("--history", "x.json")):
        assert "need --prove" in cli("report", *words, code=2).err


def test_database_may_stand_before_the_command(applied, cli, database, tmp_path):
    words = ("--database", database.conninfo, "report", "--output", "status")
    cli(*words, env={"PGBRAID_DATABASE_URL": ""}, code=0)
    assert (tmp_path / "status").exists()


def test_waits_and_failures_are_shown(database, tmp_path, folder, cli):
    folder.write(_1_a=TABLE, _2_b="ALTER TABLE t ADD y int; SELECT no_such_function()")
    cli("up", code=3)
    folder.write(_2_b="ALTER TABLE t ADD y int")
    with psycopg.connect(database.conninfo, application_name="the dump") as other:
        other.execute("SELECT 'hunter2' AS password FROM t")

        def on_event(event):
            if type(event).__name__ == "Retrying":
                other.commit()

        limits = pgbraid.Limits(lock_timeout=0.3, retry_for=60)
        pgbraid.load(tmp_path / "migrations", limits=limits).up(
            database.conninfo, on_event=on_event
        )
    cli("report", code=0)
    text = page(tmp_path).text
    assert "✕ 2_b: function no_such_function() does not exist (42883)" in text
    assert "2 attempts, blocked by process" in text
    assert "(the dump)" in text
    assert "hunter2" not in (tmp_path / FILE).read_text()


def test_no_secret_is_on_the_page(server, cli, folder, database, tmp_path):
    folder.write(_1_a=TABLE, _2_b="CREATE ROLE x PASSWORD 'swordfish' NO_SUCH_WORD")
    cli("up", code=3)
    password = "hunter2-of-the-url"
    url = psycopg.conninfo.make_conninfo(database.conninfo, password=password)
    answer = cli("report", "--database", url, env={"PGBRAID_DATABASE_URL": ""}, code=0)
    document = cli("report", "--json", "--database", url, env={"PGBRAID_DATABASE_URL": ""}).out
    for text in ((tmp_path / FILE).read_text(), answer.out, document):
        assert password not in text
        assert "swordfish" not in text


PROBE = """
import sys
sys.modules["jinja2"] = None
sys.argv = ["pgbraid", *sys.argv[1:]]
from pgbraid.cli import main
sys.exit(main())
"""


def test_without_jinja2_the_document_is_printed_and_the_page_refused(applied, cli):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-c", PROBE, *words],
            cwd=cli.cwd,
            env=cli.env,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = run("report")
    assert refused.returncode == 2
    assert "pip install 'pgbraid[report]'" in refused.stderr
    assert json.loads(run("report", "--json").stdout)["ok"] is True
    assert run("status").returncode == 0


def test_library_makes_the_page(applied, database, server):
    migrator = pgbraid.load({"101_table.sql": TABLE, "104_view.sql": VIEW, "103_add.sql": GAP})
    made = migrator.report(database.conninfo)
    assert isinstance(made, pgbraid.Page)
    assert made.html.startswith("<!DOCTYPE html>")
    assert made.json["database"] == database.value("SELECT current_database()")
    with pytest.raises(pgbraid.ConfigError, match="findings"):
        migrator.report(database.conninfo, hazards="{}")


def test_role_that_may_not_read_the_journal_gets_a_page(applied, cli, database, role, tmp_path):
    database.run(f"GRANT SELECT ON applied_migrations TO {role}")
    cli("report", env={"PGBRAID_DATABASE_URL": database.as_role(role)}, code=0)
    assert "shows no runs" in page(tmp_path).text


def test_non_transactional_migration_that_failed_is_shown(cli, folder, database, tmp_path):
    database.run("CREATE TABLE t (a int)")
    text = "-- pgbraid: no-transaction\nVACUUM t; SELECT no_such_function()"
    folder.write(_1_a="SELECT 1", _2_b=text)
    cli("up", code=3)
    document = cli("report", "--json", code=0).json
    (run,) = document["runs"]
    assert [(s["version"], s["event"]) for s in run["steps"]] == [(1, "applied"), (2, "failed")]
    cli("report", code=0)
    assert "1 applied, 1 failed" in page(tmp_path).text
    assert document["tiles"]["pending"] == 1
