"""Pairs of migrations whose order matters: ``python -m bench.out_of_order.pairs``.

Drizzle Kit's ``check`` reads the snapshots of both branches; ``pgbraid prove`` runs the SQL that
Drizzle Kit wrote, in both orders. Each pair is a git repository with two branches.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.model import Place
from bench.out_of_order.model import Checkout
from bench.out_of_order.schemas import DRIZZLE_CONFIG, DRIZZLE_RC, drizzle_generate, link_modules
from bench.peers.javascript import node
from bench.peers.ours import pgbraid
from bench.workshop import home_of
from devtools.checkout import Skip
from devtools.server import running_server

if TYPE_CHECKING:
    from bench.model import Command
    from devtools.server import Server

__all__ = ["PAIRS", "Branch"]

_WHY = re.compile("do not commute|Conflicting migrations")
_TICK = 1.1
"""Seconds between two migrations: the tool numbers by the second."""
_IMPORTS = """\
import { integer, pgTable, pgView, text, varchar } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm";

"""
_USERS = 'export const users = pgTable("users", {{ id: integer("id").primaryKey(), {rest} }});\n'
_PLAIN = _USERS.format(rest='name: text("name")')
_VIEW = """\
import { users } from "./users";

export const everyone = pgView("everyone", {
  id: integer("id"), name: text("name"),
}).as(sql`select * from ${users}`);
"""
_INSERT = "INSERT INTO users VALUES (1, '{}') ON CONFLICT DO NOTHING;\n"
_FUNCTION = "CREATE OR REPLACE FUNCTION greeting() RETURNS text LANGUAGE sql AS $$SELECT '{}'$$;\n"


@dataclass(frozen=True, slots=True)
class Branch:
    """What one branch does: it changes a file of the schema, or brings SQL by hand."""

    name: str
    file: str = ""
    schema: str = ""
    sql: str = ""


PAIRS = {
    "both change the type of one column": (
        Branch("a", "users.ts", _USERS.format(rest='name: varchar("name", { length: 50 })')),
        Branch("b", "users.ts", _USERS.format(rest='name: varchar("name", { length: 9 })')),
    ),
    "a view over `select *`, and a new column of its table": (
        Branch("a", "view.ts", _VIEW),
        Branch("b", "users.ts", _USERS.format(rest='name: text("name"), email: text("email")')),
    ),
    "two INSERTs of one key, `ON CONFLICT DO NOTHING`": (
        Branch("a", sql=_INSERT.format("first")),
        Branch("b", sql=_INSERT.format("second")),
    ),
    "two bodies of one function, `CREATE OR REPLACE`": (
        Branch("a", sql=_FUNCTION.format("first")),
        Branch("b", sql=_FUNCTION.format("second")),
    ),
}


def _begin(checkout: Checkout) -> None:
    folder = checkout.place.folder
    link_modules(checkout)
    (folder / "drizzle.config.ts").write_text(DRIZZLE_CONFIG)
    (folder / "schema").mkdir()
    (folder / "schema" / "users.ts").write_text(_IMPORTS + _PLAIN)
    checkout.must(drizzle_generate(checkout.place, "--name", "base"))
    _copy_sql(checkout, "101_base.sql")


def _write(checkout: Checkout, branch: Branch, number: int) -> None:
    folder = checkout.place.folder
    if branch.schema:
        (folder / "schema" / branch.file).write_text(_IMPORTS + branch.schema)
    options = () if branch.schema else ("--custom",)
    checkout.must(drizzle_generate(checkout.place, "--name", branch.name, *options))
    if branch.sql:
        (path,) = folder.glob(f"drizzle/*_{branch.name}/migration.sql")
        path.write_text(branch.sql)
    _copy_sql(checkout, f"{number}_{branch.name}.sql")


def _copy_sql(checkout: Checkout, name: str) -> None:
    """Give pgbraid the SQL of the newest folder as a file of its own."""
    folder = checkout.place.folder
    newest = max(folder.glob("drizzle/*/migration.sql"))
    (folder / "migrations").mkdir(exist_ok=True)
    (folder / "migrations" / name).write_text(newest.read_text())


def _fork(checkout: Checkout, pair: tuple[Branch, Branch]) -> str:
    """Write the base and both branches; return what git says against merging the second."""
    checkout.start_repository()
    _begin(checkout)
    checkout.commit("base")
    first, second = pair
    for number, branch in ((103, second), (104, first)):
        time.sleep(_TICK)
        checkout.must_git("checkout", "--quiet", "-b", f"branch-{branch.name}", "main")
        _write(checkout, branch, number)
        checkout.commit(branch.name)
    if checkout.git("merge", "--no-edit", "branch-b").code == 0:
        return ""
    checkout.must_git("checkout", "--ours", "schema")  # the snapshots are what check reads
    checkout.commit("merge")
    return "git: conflict in the schema; "


def _told(checkout: Checkout, command: Command) -> str:
    """Return whether it passes, and the line that says why not."""
    outcome = checkout.run(command)
    if outcome.code == 0:
        return "passes"
    lines = [line.strip() for line in outcome.said.splitlines()]
    why = next((line for line in lines if _WHY.search(line)), outcome.complaint)
    return f"exit code {outcome.code}: {why}"


def _played(server: Server, scratch: Path, pair: tuple[Branch, Branch]) -> tuple[str, str]:
    """Return what Drizzle Kit's check says of a pair, and pgbraid's proof. Raises Skip."""
    home, folder = scratch / "home", scratch / "checkout"
    for each in (home, folder):
        each.mkdir(parents=True)
    programs = server.programs.folder
    place = Place(server.port, "postgres", folder, home_of(DRIZZLE_RC), programs)
    checkout = Checkout(place, home, server.new_database)
    conflict = _fork(checkout, pair)
    check = _told(checkout, node(place, "drizzle-kit/bin.cjs", "check"))
    words = ("prove", "--base", "branch-a~1", "--scratch", place.url)
    prove = _told(checkout, replace(pgbraid(*words), folder=folder))
    return conflict + check, prove


def main() -> None:
    """Print what both say of each pair, as a table in Markdown."""
    DRIZZLE_RC.install(home_of(DRIZZLE_RC))
    print(f"| two branches | drizzle-kit check {DRIZZLE_RC.version} | pgbraid prove |")
    print("| --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="pgbraid-pairs-") as name:
        scratch = Path(name)
        scratch.chmod(0o755)  # the server's user passes it
        with running_server(scratch) as server:
            for number, (about, pair) in enumerate(PAIRS.items()):
                check, prove = _played(server, scratch / str(number), pair)
                print(f"| {about} | {check} | {prove} |", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Skip as reason:
        sys.exit(str(reason))
