"""Compares what `pgbraid lint` measures with what squawk and eugene say, statement by statement.

Run by hand: ``python -m bench.hazards.compare_linters RESULTS.json NAME=FOLDER…``, with the
programs in the options ``--pgbraid``, ``--squawk`` and ``--eugene``. The question is the same for
all: does this statement keep others out of a table that was there before, for a time that grows
with the table? Each tool gets the statements that pgbraid runs, in one file for each migration, and
squawk is told whether it is one transaction.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from pgbraid.source.content import read_script
from pgbraid.source.loader import load_migrations

SQUAWK_RULES = {
    "require-concurrent-index-creation": "index-build",
    "constraint-missing-not-valid": "constraint-scan",
    "adding-foreign-key-constraint": "foreign-key-scan",
    "adding-field-with-default": "rewrite",
    "adding-not-nullable-field": "constraint-scan",
    "adding-serial-primary-key-field": "constraint-index-build",
    "changing-column-type": "rewrite",
    "disallowed-unique-constraint": "constraint-index-build",
}
"""The rules of squawk that say that a statement blocks for longer the larger its table is."""
EUGENE_RULES = {
    "E1": "constraint-scan",
    "E2": "constraint-scan",
    "E4": "work-under-lock",
    "E5": "rewrite",
    "E6": "index-build",
    "E7": "constraint-index-build",
    "E8": "constraint-index-build",
    "E10": "constraint-scan",
    "E11": "rewrite",
}
"""The same of eugene. E3 is about a type, E9 about the lock timeout, the W rules are advice."""
SETTINGS = "pgbraid.toml"
"""The settings of one folder, if it needs some; `prepare_corpus` writes it."""
_DATA = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "SELECT", "VALUES"})


class Statement(NamedTuple):
    """One statement of one migration, and what each tool said of it."""

    file: str
    number: int
    line: int
    text: str
    words: tuple[str, ...]


def statements_of(folder: Path) -> dict[str, list[Statement]]:
    """Return the statements of a folder's migrations, by the name of the file."""
    found = {}
    for migration in load_migrations(str(folder)).migrations:
        script = read_script(migration)[1]
        found[Path(migration.path).name] = [
            Statement(
                Path(migration.path).name,
                number,
                script.place(s.start)[0],
                script.text[s.start : s.end],
                s.words,
            )
            for number, s in enumerate(script.statements, 1)
        ]
    return found


def measured(pgbraid: str, folder: Path) -> dict[str, Any]:
    """Return the JSON document of ``pgbraid lint --all`` on a folder."""
    command = [pgbraid, "lint", "--all", "--dir", str(folder.absolute()), "--format", "json"]
    if (folder / SETTINGS).is_file():
        command += ["--config", str(folder.absolute() / SETTINGS)]
    with tempfile.TemporaryDirectory() as empty:
        run = subprocess.run(command, capture_output=True, text=True, cwd=empty, check=False)
    return json.loads(run.stdout)


def blocking(document: dict[str, Any]) -> dict[tuple[str, int], set[str]]:
    """Return pgbraid's rules by file and line: those that say that others wait."""
    found = defaultdict(set)
    for finding in document["findings"]:
        if finding["blocks"]:
            found[Path(finding["file"]).name, finding["line"]].add(finding["rule"])
    return found


def written(folder: Path, statements: dict[str, list[Statement]]) -> dict[str, dict[int, int]]:
    """Write one file for each migration; return the number of the statement of each line."""
    lines: dict[str, dict[int, int]] = {}
    for name, parts in statements.items():
        text, of_line = "", {}
        for part in parts:
            first = text.count("\n") + 1
            text += part.text.rstrip().removesuffix(";") + "\n;\n"
            of_line |= dict.fromkeys(range(first, text.count("\n") + 1), part.number)
        (folder / name).write_text(text)
        lines[name] = of_line
    return lines


def squawk(program: str, folder: Path, autocommit: set[str]) -> list[tuple[str, int, str]]:
    """Return file, line (from 1) and rule of each finding of squawk."""
    found = []
    for name in sorted(path.name for path in folder.iterdir()):
        inside = [] if name in autocommit else ["--assume-in-transaction"]
        command = [program, *inside, "--reporter", "json", name]
        run = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        found += [(name, f["line"] + 1, f["rule_name"]) for f in json.loads(run.stdout or "[]")]
    return found


def eugene(program: str, folder: Path, _autocommit: set[str]) -> list[tuple[str, int, str]]:
    """Return file, line (from 1) and rule of each finding of ``eugene lint``."""
    found = []
    for name in sorted(path.name for path in folder.iterdir()):
        command = [program, "lint", "--accept-failures", "--format", "json", name]
        run = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        try:
            document = json.loads(run.stdout)
        except ValueError:
            found.append((name, 1, "cannot be parsed"))
            continue
        for statement in document["statements"]:
            rules = [rule["id"] for rule in statement["triggered_rules"]]
            found += [(name, statement["line_number"], rule) for rule in rules]
    return found


class Seen(NamedTuple):
    """A statement with pgbraid's trace of it and what another tool flagged."""

    statement: Statement
    text: str
    trace: dict[str, Any]
    ours: set[str]
    theirs: set[str]
    autocommit: bool

    @property
    def data(self) -> bool:
        """Whether it reads or writes rows."""
        return bool(self.statement.words) and self.statement.words[0] in _DATA

    @property
    def only_behind(self) -> bool:
        """Whether it is flagged only because an earlier statement took a lock."""
        return self.theirs == {"E4"}


_MISSED = (
    ("work in a DO block", lambda s: s.statement.words[:1] == ("DO",)),
    ("a data statement behind a lock of the same file", lambda s: s.data),
    ("VALIDATE behind a lock of the same file", lambda s: "VALIDATE CONSTRAINT" in s.text),
    ("CHECK of a new column", lambda s: "CHECK" in s.text and "ADD COLUMN" in s.text),
    (
        "a key of a new table that the file has filled",
        lambda s: s.ours == {"work-under-lock"} and s.statement.words[:1] == ("ALTER",),
    ),
    (
        "a materialized view behind the DROP of the old one",
        lambda s: "work-under-lock" in s.ours,
    ),
    ("a volatile default, bigserial", lambda s: "rewrite" in s.ours),
    ("UNIQUE of a new column", lambda s: "constraint-index-build" in s.ours),
    ("an index of a partitioned table", lambda s: "index-build" in s.ours),
    ("a scan for a constraint", lambda _: True),
)
_OVER = (
    ("the file runs without a transaction", lambda s: s.autocommit and s.only_behind),
    (
        "behind a lock: data that is given, from new tables, or that an index finds",
        lambda s: s.only_behind and s.data,
    ),
    ("behind a lock: a statement that reads no old table", lambda s: s.only_behind),
    ("a type change that rewrites nothing", lambda s: s.theirs & {"changing-column-type", "E5"}),
    (
        "a foreign key of a new column, which has no value",
        lambda s: "REFERENCES" in s.text and s.statement.words[0] == "ALTER",
    ),
    ("IF NOT EXISTS, and the object is there", lambda s: "IF NOT EXISTS" in s.text),
    ("NOT NULL of a column that is NOT NULL", lambda s: "SET NOT NULL" in s.text),
    ("an index of a materialized view that is new in the file", lambda _: True),
)
"""The classes of disagreement, in the order in which they are tried."""


def cause(seen: Seen) -> str:
    """Return the class of a disagreement."""
    kind, classes = ("missed", _MISSED) if seen.ours else ("over", _OVER)
    return f"{kind}: {next(label for label, fits in classes if fits(seen))}"


def compare(name: str, folder: Path, tools: dict[str, Any], pgbraid: str) -> dict[str, Any]:
    """Return the numbers and the disagreements of one folder."""
    statements = statements_of(folder)
    document = measured(pgbraid, folder)
    judged = {Path(trace["file"]).name for trace in document["traces"]}
    statements = {file: parts for file, parts in statements.items() if file in judged}
    ours = blocking(document)
    autocommit = {
        Path(m.path).name
        for m in load_migrations(str(folder)).migrations
        if m.directives.no_transaction
    }
    count = sum(map(len, statements.values()))
    result: dict[str, Any] = {"folder": name, "statements": count, "pgbraid": 0, "tools": {}}
    every = [s for parts in statements.values() for s in parts]
    traces = {
        (Path(trace["file"]).name, part["line"]): part
        for trace in document["traces"]
        for part in trace["statements"]
    }
    result["pgbraid"] = sum(bool(ours.get((s.file, s.line))) for s in every)
    with tempfile.TemporaryDirectory() as place:
        lines = written(Path(place), statements)
        for tool, (run, program, rules) in tools.items():
            said = defaultdict(set)
            raw = run(program, Path(place), autocommit)
            for file, line, rule in raw:
                if rule in rules:
                    number = lines[file].get(line) or max(lines[file].values(), default=0)
                    said[file, number].add(rule)
            result["tools"][tool] = {
                "rules": dict(sorted(Counter(rule for _, _, rule in raw).items())),
                **_summary(every, (ours, said), traces, autocommit),
            }
    return result


def _summary(
    every: list[Statement], answers: tuple[Any, Any], traces: Any, autocommit: set[str]
) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for s in every:
        mine, theirs = (
            answers[0].get((s.file, s.line), set()),
            answers[1].get((s.file, s.number), set()),
        )
        if bool(mine) != bool(theirs):
            text = re.sub(r"\s+", " ", s.text)
            trace = traces.get((s.file, s.line), {})
            seen = Seen(s, text.upper(), trace, mine, theirs, s.file in autocommit)
            rows.append(
                {
                    "file": s.file,
                    "line": s.line,
                    "pgbraid": sorted(mine),
                    "other": sorted(theirs),
                    "cause": cause(seen),
                    "statement": text[:160],
                }
            )
    return {
        "flagged": len(answers[1]),
        "missed": sum(bool(row["pgbraid"]) for row in rows),
        "over": sum(not row["pgbraid"] for row in rows),
        "causes": dict(sorted(Counter(row["cause"] for row in rows).items())),
        "disagreements": rows,
    }


def main() -> int:
    """Compare the folders of the command line, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("folders", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--pgbraid", default="pgbraid")
    parser.add_argument("--squawk")
    parser.add_argument("--eugene")
    options = parser.parse_args()
    tools = {}
    if options.squawk:
        tools["squawk"] = squawk, options.squawk, SQUAWK_RULES
    if options.eugene:
        tools["eugene"] = eugene, options.eugene, EUGENE_RULES
    results = []
    for given in options.folders:
        name, _, folder = given.partition("=")
        results.append(compare(name, Path(folder), tools, options.pgbraid))
        numbers = {tool: results[-1]["tools"][tool]["causes"] for tool in tools}
        print(
            name, results[-1]["statements"], results[-1]["pgbraid"], json.dumps(numbers, indent=1)
        )
    options.results.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
