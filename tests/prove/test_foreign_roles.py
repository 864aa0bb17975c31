"""Roles that migrations name and do not create: every verdict, drift and snapshots have them."""

import pytest

import pgbraid

TABLE = "CREATE TABLE t (id int); GRANT SELECT ON t TO {role};"


@pytest.fixture(autouse=True)
def temporary_server(programs, monkeypatch):
    """Replay on a temporary server, which lacks the role."""
    monkeypatch.setenv("PGBRAID_PG_BIN", programs)
    monkeypatch.delenv("PGBRAID_SCRATCH_URL", raising=False)


@pytest.fixture
def granted(folder, database, role):
    """A database with 101 and 104, and a folder in which 103 is a gap."""
    folder.write(_101_t=TABLE.format(role=role), _104_b="ALTER TABLE t ADD b int;")
    folder.load(settings=False).up(database.conninfo)
    return folder


def test_role_of_others_is_no_drift(granted, database, role):
    migrator = granted.load(settings=False)
    drifted = migrator.drift(database.conninfo, ignore="schema public")
    assert drifted.differences == ()
    assert drifted.provided == (f"role {role}",)
    database.run(f"REVOKE SELECT ON t FROM {role}; GRANT INSERT ON t TO {role}")
    (difference,) = migrator.drift(database.conninfo, ignore="schema public").differences
    assert (difference.name, difference.attributes[0].name) == ("table public.t", "relacl")
    assert f"{role}=a/" in difference.attributes[0].left
    assert f"{role}=r/" in difference.attributes[0].right


def test_drift_notes_that_role_of_others_was_created(granted, cli, programs, role):
    answer = cli("drift", "--ignore", "schema public", env={"PGBRAID_PG_BIN": programs}, code=0)
    assert f"created on the scratch server because migrations expect it: role {role}" in answer.out
    assert "clean: the schema is the one that its 2 migrations built" in answer.out


def test_snapshot_of_files_has_rights_of_role_of_others(granted, database, role):
    migrator = granted.load(settings=False)
    acl = migrator.snapshot().catalogs["pg_class"].rows["table public.t"]
    assert any(f"{role}=r/" in (fact or "") for fact in acl)
    assert acl == migrator.snapshot(database.conninfo).catalogs["pg_class"].rows["table public.t"]


@pytest.mark.parametrize(
    ("body", "accept", "verdict"),
    [
        ("CREATE TABLE o (id int);", (), None),
        ("ALTER TABLE t ADD a int;", (), "the columns get another order"),
        ("ALTER TABLE t ADD a int;", ("column-order",), None),
        ("ALTER TABLE t DROP b;", (), "the result is different"),
    ],
)
def test_gap_is_proven_beside_foreign_role(granted, database, role, body, accept, verdict):
    granted.write(_103_a=body)
    migrator = granted.load(settings=False, gaps="prove", accept=accept)
    if verdict is None:
        assert [o.migration.version for o in migrator.up(database.conninfo).applied] == [103]
        return
    with pytest.raises(pgbraid.NotProven) as caught:
        migrator.up(database.conninfo)
    proof = caught.value.proof
    assert proof.pair is not None
    assert proof.provided == (f"role {role}",)


def test_extension_named_in_comment_is_created(folder, database):
    database.extend("pgcrypto")
    folder.write(
        _101_t="-- the DBA has run CREATE EXTENSION pgcrypto here\n"
        "CREATE TABLE t (salt text DEFAULT gen_salt('md5'));",
        _104_b="ALTER TABLE t ADD b int;",
    )
    migrator = folder.load(settings=False)
    migrator.up(database.conninfo)
    drifted = migrator.drift(database.conninfo, ignore="schema public")
    assert drifted.differences == ()
    assert "extension pgcrypto" in drifted.provided
    folder.write(_103_o="CREATE TABLE o (id int);")
    proof = folder.load(settings=False).prove(database.conninfo)
    assert (proof.verdict.value, proof.ok) == ("same", True)
