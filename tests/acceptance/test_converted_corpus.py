"""Real folders of other tools, converted or as they are, make the schema of the originals."""

import re
import shutil

import psycopg
import pytest

import pgbraid
from pgbraid.importers.tools import tool_named
from pgbraid.migrate.convert import convert_files
from pgbraid.sql.parser import parse

pytestmark = pytest.mark.corpus
DOWN = re.compile(r"^-- \+(?:goose|migrate) Down.*", re.MULTILINE | re.DOTALL)
OUTSIDE = re.compile(r"notransaction|no transaction|concurrently", re.IGNORECASE)
LAST_BEFORE_GO_CODE = 20260424190713
"""Hatchet's next migration is Go code, which the corpus lacks."""


def originals(corpus, name):
    """Return the up texts of a folder in the order of its tool, read without pgbraid."""
    folder = corpus / name / "migrations"
    if name == "crates.io":
        paths = sorted(
            folder.glob("*/up.sql"),
            key=lambda path: path.parent.name.partition("_")[0].replace("-", ""),
        )
        return [path.read_text() for path in paths]
    if name == "hatchet":
        paths = [p for p in folder.glob("*.sql") if int(p.name[:14]) < LAST_BEFORE_GO_CODE]
    else:
        paths = folder.glob("*.up.sql" if name == "openmeter" else "*.sql")
    return [DOWN.sub("", path.read_text()) for path in sorted(paths)]


def run_originals(corpus, name, database):
    """Run each text as a whole, or outside a transaction if it says so.

    Outside, each statement runs by itself, and each BEGIN … COMMIT as a whole.
    """
    with psycopg.connect(database.conninfo, autocommit=True, prepare_threshold=None) as conn:
        for text in originals(corpus, name):
            if not OUTSIDE.search(text):
                conn.execute(text)
                conn.execute("DISCARD ALL")
                continue
            script, block = parse(text), []
            for statement in script.statements:
                block.append(script.text[statement.start : statement.end])
                if block[0].upper() != "BEGIN" or statement.words[:1] == ("COMMIT",):
                    conn.execute("; ".join(block))
                    block = []
            conn.execute("DISCARD ALL")


def needs_extensions(database, names):
    available = {name for (name,) in database.rows("SELECT name FROM pg_available_extensions")}
    if not available.issuperset(names):
        pytest.skip(f"this server lacks one of the extensions {', '.join(names)}")


FOLDERS = {
    "goalert": ("sql-migrate", ["pgcrypto"]),
    "hatchet": ("goose", ["btree_gist"]),
    "crates.io": ("diesel", ["pgcrypto", "pg_trgm", "ltree"]),
    "openmeter": ("golang-migrate", ["pgcrypto"]),
}


def without_later(folder):
    """Delete the migrations behind the first one that is Go code."""
    for path in folder.glob("*.sql"):
        if int(path.name.partition("_")[0]) >= LAST_BEFORE_GO_CODE:
            path.unlink()


@pytest.mark.parametrize("name", FOLDERS)
def test_converted_folder_makes_schema_of_originals(corpus, name, database, server, tmp_path):
    tool, extensions = FOLDERS[name]
    needs_extensions(database, extensions)
    run_originals(corpus, name, database)
    target = tmp_path / "new"
    convert_files(tool_named(tool), corpus / name / "migrations", target)
    if name == "hatchet":
        without_later(target)
    migrator = pgbraid.load(target, scratch_url=server)
    assert migrator.snapshot() == migrator.snapshot(database.conninfo)


def test_goose_folder_runs_as_it_is(corpus, database, server, tmp_path):
    needs_extensions(database, FOLDERS["hatchet"][1])
    run_originals(corpus, "hatchet", database)
    folder = tmp_path / "same"
    shutil.copytree(corpus / "hatchet" / "migrations", folder)
    without_later(folder)
    migrator = pgbraid.load(folder, scratch_url=server)
    assert migrator.snapshot() == migrator.snapshot(database.conninfo)
