"""Every hard failure on the command line: exit code and message, before anything ran."""

import pytest

OK = "CREATE TABLE ok ()"

FILES = {
    "two files with one version": (
        {"101_a.sql": OK, "101_b.sql": OK},
        "ERROR:  version 101 has 2 files: 101_a.sql, 101_b.sql",
    ),
    "leading zeros": (
        {"1_a.sql": OK, "001_b.sql": OK},
        "ERROR:  version 1 has 2 files: 001_b.sql, 1_a.sql",
    ),
    "sql beside up.sql": (
        {"1_a.sql": OK, "1_a.up.sql": OK},
        "ERROR:  version 1 has 2 files: 1_a.sql, 1_a.up.sql",
    ),
    "invalid UTF-8": (
        {"1_a.sql": b"SELECT 1;\n-- caf\xe9"},
        "1_a.sql:2:7: ERROR:  1_a.sql is not UTF-8: byte 0xe9",
    ),
    "UTF-16": ({"1_a.sql": OK.encode("utf-16")}, "ERROR:  1_a.sql is UTF-16, not UTF-8"),
    "NUL byte": ({"1_a.sql": b"SELECT\x00 1"}, "1_a.sql:1:7: ERROR:  1_a.sql has a NUL byte"),
    "a version beyond bigint": (
        {"9223372036854775808_a.sql": OK},
        "ERROR:  version 9223372036854775808 is out of range for bigint",
    ),
    "a meta-command": (
        {"1_a.sql": "SELECT 1;\n\\i other.sql\n"},
        "1_a.sql:2:1: ERROR:  psql meta-command \\i is not SQL and cannot run here",
    ),
    "a lone down file": (
        {"1_a.down.sql": OK},
        "ERROR:  1_a.down.sql has no migration with the same name",
    ),
    "names that differ in case": (
        {"1_a.sql": OK, "1_A.sql": OK},
        "DETAIL:  Their names differ only in case or in Unicode normalization",
    ),
    "names that differ in Unicode form": (
        {"1_caf\u00e9.up.sql": OK, "1_cafe\u0301.down.sql": OK},
        "DETAIL:  The names differ only in case or in Unicode normalization",
    ),
    "a baseline and a file that it replaces": (
        {"1_a.sql": OK, "2_b.sql": f"-- pgbraid: replaces=1,2\n{OK}"},
        "ERROR:  2_b replaces versions that have a file: 1_a.sql",
    ),
    "a file below a baseline": (
        {"1_a.sql": OK, "3_b.sql": f"-- pgbraid: replaces=2,3\n{OK}"},
        "ERROR:  1_a is below the baseline 3_b, which does not replace it",
    ),
    "a baseline that does not replace its version": (
        {"3_b.sql": f"-- pgbraid: replaces=1,2\n{OK}"},
        "ERROR:  3_b must replace its own version, and no version above it",
    ),
    "a body that commits": (
        {"1_a.sql": "SELECT 1;\nCOMMIT;\n"},
        "1_a.sql:2:1: ERROR:  COMMIT inside a migration",
    ),
    "a body that rolls back": (
        {"1_a.sql": "SELECT 1;\nROLLBACK;\n"},
        "1_a.sql:2:1: ERROR:  ROLLBACK inside a migration",
    ),
    "a body that begins": (
        {"1_a.sql": "BEGIN;\nSELECT 1;\n"},
        "1_a.sql:1:1: ERROR:  BEGIN inside a migration",
    ),
    "another tool's down section": (
        {"1_a.sql": f"-- a\n{OK};\n-- +goose Down\nDROP TABLE ok;\n"},
        "1_a.sql:3:1: ERROR:  another tool's down section (-- +goose Down)",
    ),
    "an unknown directive": (
        {"1_a.sql": "-- pgbraid: no-transition\nSELECT 1"},
        "1_a.sql:1:1: ERROR:  unrecognized directive 'no-transition'",
    ),
    "no file of the right name": (
        {"V014__x.sql": OK},
        "ERROR:  no migration in migrations, but 1 file looks like one",
    ),
}


@pytest.mark.parametrize(("files", "message"), FILES.values(), ids=FILES.keys())
def test_files_that_cannot_be_run(cli, folder, database, files, message):
    for name, content in files.items():
        folder.put(name, content)
    for words in (("up",), ("up", "--dry-run"), ("check", "--offline"), ("plan",), ("check",)):
        answer = cli(*words, code=1)
        assert message in answer.err
        assert "HINT:" in answer.err
    assert database.value("SELECT to_regclass('applied_migrations') IS NULL")
    assert database.value("SELECT to_regclass('ok') IS NULL")
    assert cli("status", code=0).err.count(message) == 1


def test_unreadable_file(cli, folder):
    folder.put("1_a.sql", OK)
    (folder.path / "2_b.sql").symlink_to("nowhere")
    answer = cli("up", code=1)
    assert "2_b.sql: ERROR:  2_b.sql cannot be read: No such file or directory" in answer.err


def test_link_out_of_folder(cli, folder, tmp_path):
    folder.write(_1_a=OK)
    (tmp_path / "x").write_text("CREATE TABLE elsewhere ()")
    (folder.path / "2_b.sql").symlink_to("../x")
    for words in (["up"], ["check", "--offline"]):
        answer = cli(*words, code=1)
        assert answer.err.startswith(
            "migrations/2_b.sql: ERROR:  2_b.sql is a link out of the folder\n"
            f"DETAIL:  It leads to {tmp_path}/x.\n"
        )
    assert cli("status", code=0).out.splitlines()[-1] == "(1 version: 1 pending)"


def test_file_name_that_is_no_text(cli, folder):
    folder.put("1_a.sql", OK)
    (folder.path / b"2_\xff.sql".decode("utf-8", "surrogateescape")).touch()
    assert "the file's name is not UTF-8" in cli("up", code=1).err
    assert cli("up", "--json", code=1).json["error"]["problems"][0]["code"] == "invalid_utf8"


def test_rename_after_apply(cli, folder):
    folder.put("101_a.sql", OK)
    cli("up", code=0)
    folder.remove("101_a.sql")
    folder.put("101_b.sql", OK)
    for words in (("up",), ("check",), ("plan",)):
        answer = cli(*words, code=1)
        assert "101 was applied under the name 'a', but its file is now '101_b.sql'" in answer.err
        assert "pgbraid repair --rename 101" in answer.err
    assert cli("repair", "--rename", "101", code=0).out.splitlines()[0] == (
        "  101_b: was named 'a'"
    )
    cli("check", code=0)


def test_changed_file(cli, folder):
    folder.put("101_a.sql", OK)
    cli("up", code=0)
    folder.put("101_a.sql", "CREATE TABLE other ()")
    answer = cli("up", code=1)
    assert "101_a was changed after it was applied" in answer.err
    assert "    -CREATE TABLE ok ()\n    +CREATE TABLE other ()" in answer.err
    assert "HINT:" in answer.err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("(1, true)", "public.schema_migrations is dirty at version 1"),
        ("(9, false)", "public.schema_migrations has version 9, but no file of that version"),
        ("(1, false), (2, false)", "public.schema_migrations has 2 rows"),
    ],
)
def test_counter_that_is_not_clear(cli, folder, database, rows, message):
    database.run(
        "CREATE TABLE schema_migrations (version bigint, dirty boolean);"
        f"INSERT INTO schema_migrations VALUES {rows}"
    )
    folder.put("1_a.sql", OK).put("2_b.sql", "SELECT 1")
    for words in (("up",), ("adopt",), ("plan",)):
        answer = cli(*words, code=1)
        assert message in answer.err
        assert "HINT:" in answer.err
    assert database.value("SELECT to_regclass('ok') IS NULL")


def test_all_problems_are_listed_in_one_pass(cli, folder):
    folder.put("1_a.sql", OK).put("2_b.sql", OK)
    folder.put("3_c.sql", "SELECT 3").remove("2_b.sql")
    cli("up", code=0)
    folder.remove("1_a.sql")
    folder.put("1_renamed.sql", OK).put("3_c.sql", "SELECT 33").put("4_d.sql", "COMMIT")
    folder.put("5_e.sql", b"\xff").put("6_f.sql", "SELECT 1").put("6_g.sql", "SELECT 1").put(
        "V7__x.sql", "SELECT 1"
    )
    answer = cli("up", "--json", code=1).json
    assert sorted(p["code"] for p in answer["error"]["problems"]) == [
        "duplicate_version",
        "invalid_utf8",
        "modified",
        "renamed",
        "transaction_control",
    ]
    text = cli("up", code=1).err
    assert "5 problems found; nothing was run." in text
    assert text.count("ERROR:") == 5


def test_invisible_characters_are_named_by_check_and_error(cli, folder):
    folder.put("1_nbsp.sql", "-- fine\nCREATE TABLE\u00a0a ();\n")
    answer = cli("check", "--offline", code=0)
    assert answer.err.splitlines()[0] == (
        "migrations/1_nbsp.sql:2:13: WARNING:  U+00A0 (NO-BREAK SPACE) stands outside quotes and "
        "comments"
    )
    expected = cli("up", code=3).err
    assert expected.startswith(answer.err.splitlines()[0])
    hint = [line for line in expected.splitlines() if line.startswith("HINT")][-1]
    assert "It contains U+00A0 (NO-BREAK SPACE), which is invisible" in hint
