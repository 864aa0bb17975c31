"""prove without a database: the role of the settings replays, with the rights of an owner."""

import subprocess

import pytest

import pgbraid
from pgbraid.model.proof import Verdict
from pgbraid.model.snapshot import Facet

pytestmark = pytest.mark.server

ONLY_OWNER = """DO $$ BEGIN
    IF current_user <> 'app_owner' THEN RAISE EXCEPTION 'ran as %', current_user; END IF;
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE EXCEPTION 'ran as a superuser';
    END IF;
END $$;
"""
HIDDEN = """CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
"""


def prove(folder, order, **settings):
    return pgbraid.load(folder.path, settings=False, **settings).prove(history=order)


def test_role_of_settings_replays_list(folder):
    folder.write(_101_t=HIDDEN, _102_a=ONLY_OWNER, _103_b="SELECT 1;")
    proof = prove(folder, [101, 103, 102], role="app_owner")
    assert proof.verdict is Verdict.SAME, proof.recorded_failure
    assert proof.complete


def test_role_under_row_security_sees_its_rows(folder):
    copied = "CREATE TABLE copied AS SELECT * FROM t;"
    folder.write(_101_t=HIDDEN, _102_policy="CREATE POLICY p ON t USING (true);", _103_c=copied)
    assert prove(folder, [101, 103, 102]).verdict is Verdict.SAME
    assert prove(folder, [101, 103, 102], role="app_owner").verdict is Verdict.DIFFERENT


def test_role_of_settings_replays_branch(folder, tmp_path):
    folder.write(_101_t=HIDDEN, _103_b="SELECT 1;")
    for words in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "base"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    folder.write(_102_a=ONLY_OWNER)
    migrator = pgbraid.load(folder.path, settings=False, role="app_owner")
    assert migrator.prove(base="main").verdict is Verdict.SAME


def test_rights_that_only_platform_gives_are_named(folder):
    creates = "CREATE ROLE made_by_migration;"
    folder.write(_101_t=HIDDEN, _102_r=creates, _103_b="SELECT 1;")
    proof = prove(folder, [101, 103, 102], role="app_owner")
    assert proof.verdict is Verdict.SAME
    assert any("the rights of role app_owner" in words for words in proof.not_compared)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER ROLE postgres SET work_mem = '8MB'",
        "ALTER ROLE CURRENT_USER SET search_path = 'x', public",
        "ALTER ROLE ALL SET statement_timeout = '1min'",
        "ALTER ROLE taken_for_granted SET search_path = 'a b', public",
    ],
)
def test_settings_of_roles_that_are_there_before_are_restored_between_replays(folder, statement):
    folder.write(_101_t="SELECT 1;", _102_r=f"{statement};", _103_b="SELECT 2;")
    assert prove(folder, [101, 103, 102]).verdict is Verdict.SAME


def test_role_of_server_itself_stays_superuser(folder):
    folder.write(_101_t="SELECT 1;", _102_r="CREATE ROLE made_by_migration;", _103_b="SELECT 2;")
    assert prove(folder, [101, 103, 102], role="postgres").verdict is Verdict.SAME


@pytest.mark.parametrize(
    ("gap", "other", "facet"),
    [
        (
            "CREATE TABLE a (x int);",
            "DO $$ BEGIN IF to_regclass('a') IS NULL THEN CREATE TABLE b (); END IF; END $$;",
            Facet.SCHEMA,
        ),
        ("INSERT INTO t VALUES (2);", "CREATE TABLE c AS SELECT * FROM t;", Facet.DATA),
        ("ALTER TABLE t ADD p int;", "ALTER TABLE t ADD q int;", Facet.COLUMN_ORDER),
        ("CREATE VIEW v AS SELECT * FROM t;", "ALTER TABLE t ADD q int;", Facet.SCHEMA),
    ],
)
def test_pair_is_found_by_role_without_superuser(folder, gap, other, facet):
    folder.write(_101_t="CREATE TABLE t (a int);", _102_late=gap, _103_other=other)
    proof = prove(folder, [101, 103, 102], role="app_owner")
    assert facet in {difference.facet for difference in proof.differences}
    assert proof.pair is not None, proof.no_pair
    assert {m.version for m in (proof.pair.first, proof.pair.second)} == {102, 103}
