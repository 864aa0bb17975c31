"""After an adoption `up`, `check`, `drift` and `prove` work at once."""

import pytest

import pgbraid
from pgbraid.migrate.convert import convert_files
from pgbraid.sql.parser import parse
from tests.importers.test_trackers import FIXTURES, restore, tool_of

CONVERTIBLE = sorted(
    folder
    for folder in FIXTURES.iterdir()
    if (folder / "complete").is_dir() and tool_of(folder).files and folder.name != "rails"
)


@pytest.mark.parametrize("folder", CONVERTIBLE, ids=lambda folder: folder.name)
def test_database_of_tool_is_taken_over(database, folder, tmp_path, server):
    tool = tool_of(folder)
    target = tmp_path / "new"
    convert_files(tool, folder / "migrations", target)
    for path in sorted(target.glob("*.sql")):
        if not path.name.endswith(".down.sql"):
            script = parse(path.read_text())
            for statement in script.statements:
                database.run(script.text[statement.start : statement.end])
    restore(database, folder / "complete" / "dump.sql")
    (target / "99990101000000_add_phone.sql").write_text("CREATE TABLE phones (id int);\n")
    migrator = pgbraid.load(target, scratch_url=server)
    assert migrator.adopt(database.conninfo).tool == tool.tool
    assert [m.migration.version for m in migrator.up(database.conninfo).applied] == [99990101000000]
    assert migrator.check(database.conninfo).ok
    report = migrator.drift(database.conninfo)
    assert (report.differences, report.not_compared) == ((), ())
    assert migrator.drop_tracker_table(database.conninfo)
