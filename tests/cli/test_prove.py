"""``prove`` of a database and of a list."""

import json

import pytest

from tests.fixtures.proofs import GAP, HARMLESS, TABLE, VIEW, left_behind


def test_prove_of_database_names_conflicting_pair(out_of_order, cli, scratch_env, database):
    answer = cli("prove", env=scratch_env, code=1)
    assert answer.out.startswith("different: ")
    message = (
        "104_view and 103_add do not commute: run out of order, 103_add leaves no column public.v.c"
    )
    assert message in answer.out
    assert "Smallest example: these two after 101_table." in answer.out
    assert "out of order: 103_add; 1 pair of migrations swapped" in answer.err
    assert database.versions() == [101, 104]
    assert left_behind(database) == []


def test_prove_of_database_as_json_has_pair_and_context(out_of_order, cli, scratch_env):
    document = cli("prove", "--json", env=scratch_env, code=1).json
    assert document["verdict"] == "different"
    assert [m["version"] for m in document["out_of_order"]] == [103]
    pair = document["pair"]
    assert (pair["first"]["version"], pair["second"]["version"]) == (104, 103)
    assert [m["version"] for m in pair["context"]] == [101]
    assert pair["minimal"] is True
    assert {d["object"] for d in document["differences"]} == {
        "column public.v.c",
        'rule "_RETURN" on public.v',
    }


def test_prove_without_gap_needs_no_server(folder, cli, database):
    folder.write(_101_table=TABLE, _104_view=VIEW)
    cli("up", code=0)
    nowhere = {"PGBRAID_SCRATCH_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert "same: none of 2 migrations" in cli("prove", env=nowhere, code=0).out


def test_prove_of_commuting_migrations_is_same(out_of_order, cli, scratch_env):
    out_of_order.write(_103_add=HARMLESS)
    assert cli("prove", env=scratch_env, code=0).out.startswith("same: ")


@pytest.mark.parametrize(
    "history",
    [
        [101, 104, 103],
        {"applied": ["101", "104_view", {"version": 103}]},
        {
            "migrations": [
                {"version": 101, "applied_at": "2026-01-01"},
                {"version": 103, "applied_at": "2026-01-03"},
                {"version": 104, "applied_at": "2026-01-02"},
            ]
        },
    ],
)
def test_prove_of_list_names_conflicting_pair(
    out_of_order, program, scratch_env, tmp_path, history
):
    (tmp_path / "history.json").write_text(json.dumps(history))
    answer = program("prove", "--history", "history.json", "--json", env=scratch_env, code=1).json
    assert answer["recorded_order"] == [101, 104, 103]
    assert answer["verdict"] == "different"


def test_prove_of_status_document_names_conflicting_pair(out_of_order, cli, scratch_env, tmp_path):
    (tmp_path / "history.json").write_text(cli("status", "--json").out)
    answer = cli("prove", "--history", "history.json", "--json", env=scratch_env, code=1).json
    assert answer["recorded_order"] == [101, 104, 103]


@pytest.mark.parametrize("text", ["", "[1, 1]", '{"x": []}', '["a"]', "[999]", "[true]"])
def test_prove_of_malformed_list_fails(out_of_order, program, scratch_env, tmp_path, text):
    (tmp_path / "history.json").write_text(text)
    answer = program("prove", "--history", "history.json", env=scratch_env, code=2)
    assert "history" in answer.err


def test_order_that_fails_names_migration_and_error(folder, cli, scratch_env):
    folder.write(_101_table=TABLE, _104_drop="ALTER TABLE t DROP COLUMN b;")
    cli("up", code=0)
    folder.write(_103_index="CREATE INDEX b_idx ON t (b);")
    answer = cli("prove", env=scratch_env, code=1)
    assert answer.out.startswith("fails: ")
    assert "as recorded, 103_index fails:\n" in answer.out
    assert '103_index.sql:1:1: ERROR:  column "b" does not exist' in answer.out
    assert "do not commute: 103_index fails after 104_drop: column" in answer.out


def test_accepted_difference_exits_with_zero(folder, cli, scratch_env, tmp_path):
    folder.write(_101_table=TABLE, _104_add="ALTER TABLE t ADD COLUMN d int;")
    cli("up", code=0)
    folder.write(_103_add=GAP)
    assert cli("prove", env=scratch_env, code=1).out.startswith("column order only: ")
    answer = cli("prove", "--accept", "column-order", env=scratch_env, code=0)
    assert "Accepted: column order only, by --accept or the settings." in answer.out
    (tmp_path / "pgbraid.toml").write_text('accept = ["column-order"]\n')
    cli("prove", env=scratch_env, code=0)
    cli("up", "--gaps", "prove", env=scratch_env, code=0)


def test_every_difference_must_be_accepted(folder, cli, scratch_env):
    both = "ALTER TABLE t ADD COLUMN {0} int; ALTER TYPE e ADD VALUE '{0}';"
    folder.write(_101_table=TABLE, _102_enum="CREATE TYPE e AS ENUM ('a');")
    folder.write(_104_y=both.format("y"))
    cli("up", code=0)
    folder.write(_103_x=both.format("x"))
    assert cli("prove", env=scratch_env, code=1).out.startswith("enum order: ")
    cli("prove", "--accept", "enum-order", env=scratch_env, code=1)
    cli("prove", "--accept", "enum-order", "--accept", "column-order", env=scratch_env, code=0)


def test_prove_shows_rows_that_differ_with_secrets_masked(folder, cli, scratch_env):
    folder.write(
        _101_table="CREATE TABLE kv (key text PRIMARY KEY, value text, n int);"
        "INSERT INTO kv VALUES ('colour', 'red', 1), ('smtp_password', 'x', 1);",
        _104_view="UPDATE kv SET n = n + 1, value = value || 'hunter2';",
    )
    cli("up", code=0)
    folder.write(_103_add="UPDATE kv SET n = n * 2, value = value || 'hunter3';")
    answer = cli("prove", env=scratch_env, code=1)
    expected = [
        "rows of table public.kv",
        "    key colour",
        "        as recorded: value redhunter2hunter3",
        "        by version:  value redhunter3hunter2",
        "        as recorded: n 4",
        "        by version:  n 3",
        "    key smtp_password",
        "        as recorded: value ********",
        "        by version:  value ********",
    ]
    assert "\n".join(expected) in answer.out
    assert "xhunter" not in answer.out
    document = cli("prove", "--json", env=scratch_env, code=1).json
    for differences in (document["differences"], document["pair"]["differences"]):
        (rows,) = [d["rows"] for d in differences]
        assert {name: rows[name] for name in rows if name != "rows"} == {
            "changed": 2,
            "only_left": 0,
            "only_right": 0,
            "complete": True,
            "columns_of_one_side": [],
        }
        assert rows["rows"][0]["key"] == {"key": "colour"}
        assert rows["rows"][0]["values"][1] == {"name": "n", "left": "4", "right": "3"}
        assert "xhunter" not in str(rows)


def test_difference_of_schema_has_no_rows(out_of_order, cli, scratch_env):
    document = cli("prove", "--json", env=scratch_env, code=1).json
    assert [d["rows"] for d in document["differences"]] == [None, None]
