"""``baseline`` and ``repair --trust``: their text and their JSON documents."""


def test_baseline_reports_recorded_versions(cli, folder, database):
    folder.write(_1_a="CREATE TABLE a ()", _2_b="CREATE TABLE b ()")
    database.run("CREATE TABLE a ()")
    answer = cli("baseline", "1")
    assert answer.out == "  1_a\n1 migration recorded as applied, none was run.\n"
    assert cli("up").out.startswith("  2_b")
    answer = cli("baseline", "2")
    assert answer.out == "0 migrations recorded as applied, none was run; 2 applied before.\n"
    document = cli("baseline", "--only", "2", "--json").json
    assert (document["recorded"], document["previously_applied"]) == ([], 1)


def test_baseline_accepts_one_way_of_naming_versions(cli, folder):
    folder.write(_1_a="CREATE TABLE a ()")
    for words in ([], ["1", "--only", "1"]):
        answer = cli("baseline", *words, code=2)
        assert "name the highest applied version, or single versions" in answer.err


def test_repair_trusts_journal_or_applied_set(cli, folder, database):
    folder.write(_1_a="CREATE TABLE IF NOT EXISTS a ()", _2_b="CREATE TABLE b ()")
    cli("up")
    database.run("DELETE FROM applied_migrations")
    answer = cli("up", code=1)
    assert "1, 2 are applied according to the journal, but" in answer.err
    assert cli("check", code=1).out.startswith("no: ")
    answer = cli("repair", "--trust", "journal", "2")
    assert answer.out == (
        "  2_b: restored to the applied set\n1 version repaired; applied set and journal agree.\n"
    )
    document = cli("repair", "--trust", "applied-set", "--json").json
    assert document["missing"] == [{"version": 1, "name": "a"}]
    assert (
        cli("repair", "--trust", "applied-set").out
        == "Nothing to repair: applied set and journal agree.\n"
    )
    assert cli("up").out.startswith("  1_a")
    assert cli("check").out.startswith("yes: 2 migrations applied")


def test_repair_trust_is_no_repair_of_files(cli, folder):
    folder.write(_1_a="CREATE TABLE a ()")
    cli("up")
    answer = cli("repair", "--trust", "applied-set", "--all", code=2)
    assert "--trust repairs the ledger" in answer.err
