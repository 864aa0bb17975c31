import json
import re

import pytest

from pgbraid.hazards.sizes_file import parse_sizes


@pytest.fixture
def shop(database):
    database.run("SELECT pg_stat_reset()")  # the counters of the server may be old enough for rates
    database.run(
        """
        CREATE TABLE orders (id int PRIMARY KEY, note text);
        INSERT INTO orders SELECT i, repeat('x', 90) FROM generate_series(1, 20000) AS i;
        CREATE TABLE parts (i int) PARTITION BY RANGE (i);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
        INSERT INTO parts SELECT i FROM generate_series(1, 500) AS i
        """
    )
    database.run("ANALYZE")
    database.run('CREATE TABLE "un\nseen" (i int)')
    return database


def test_largest_tables_come_first_and_unknown_ones_are_named(cli, shop):
    answer = cli("sizes", code=0)
    lines = answer.out.splitlines()
    assert [name.strip() for name in lines[0].split("|")] == [
        *("rows", "size", "indexes", "reads/s", "writes/s", "table")
    ]
    assert re.fullmatch(r" +20 k \| 2\.\d MB \| +4\d\d kB \| +\| +\| public\.orders", lines[2]), (
        lines
    )
    assert re.fullmatch(r" +500 \| +24 kB \| +0 bytes \|.*public\.parts \(1 part\)", lines[3])
    assert lines[4] == "Unknown size: public.un\\x0aseen. ANALYZE counts the rows."
    assert re.fullmatch(
        r"3 tables, PostgreSQL [\d.]+, TimeZone [\w/]+; statistics too young for the traffic\.",
        lines[5],
    )
    assert not (cli.cwd / "pgbraid.sizes.json").exists()


def test_table_has_at_most_twenty_rows(cli, database):
    for number in range(23):
        database.run(f"CREATE TABLE t{number} AS SELECT 1 AS i")
    database.run("ANALYZE")
    lines = cli("sizes", code=0).out.splitlines()
    assert lines[22] == "and 3 smaller tables"


def test_file_and_document_have_the_same_values(cli, shop):
    answer = cli("sizes", "--output", "s.json", "--json", code=0).json
    text = (cli.cwd / "s.json").read_text()
    sizes = parse_sizes(text, "s.json")
    assert sizes.get("public.orders").rows == 20000
    assert sizes.get("public.un\nseen").rows is None
    file = json.loads(text)
    assert {name: answer[name] for name in file if name != "pgbraid_sizes"} == {
        name: value for name, value in file.items() if name != "pgbraid_sizes"
    }
    assert (answer["file"], answer["unknown"]) == ("s.json", ["public.un\nseen"])
    assert answer["queries"] is answer["queries_file"] is None
    assert "s.json written." in cli("sizes", "--output", "s.json", code=0).out


def test_file_has_nothing_of_the_connection(cli, shop):
    shop.run("COMMENT ON TABLE orders IS 'confidential'")
    url = shop.conninfo + " password=hidden application_name=secret"
    cli("sizes", "--output", "s.json", env={"PGBRAID_DATABASE_URL": url}, code=0)
    text = (cli.cwd / "s.json").read_text()
    assert not re.search("hidden|secret|confidential|xxx|postgres", text)


def test_statements_that_cannot_be_read_are_an_error_and_no_file_is_written(cli, shop):
    answer = cli("sizes", "--output", "s.json", "--queries", "q.sql", code=4)
    assert "the extension pg_stat_statements is not in this database" in answer.err
    assert "HINT:  Run `CREATE EXTENSION pg_stat_statements`" in answer.err
    assert [path.name for path in cli.cwd.iterdir()] == []


def test_file_that_cannot_be_written_is_an_error(cli, database):
    answer = cli("sizes", "--output", "none/s.json", code=2)
    assert "cannot write none/s.json" in answer.err


def test_folder_of_migrations_is_not_needed(cli, database):
    cli("--dir", "none", "sizes", code=0)


def test_option_with_a_command_as_its_value_is_no_command(cli, database):
    assert cli("sizes", "--output", "up", "--json", code=0).json["file"] == "up"
