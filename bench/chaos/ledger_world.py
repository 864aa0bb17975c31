"""A database with a folder of migrations and a history, of which every command is judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from bench.chaos.ledger_facts import Facts, Line, Place, Row, read_facts
from bench.chaos.ledger_hints import commandless

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from bench.chaos.database import Database
    from bench.chaos.forks import Ended
    from bench.chaos.lab import Lab
    from bench.chaos.ledger_facts import Connection

__all__ = ["Findings", "Migration", "World"]

_PATIENCE = 60.0
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; ``statements`` are the numbers by which its statements show in the trace."""

    version: int
    text: str
    statements: tuple[int, ...]
    gated: bool = False
    """Whether it fails until the table ``gate`` and its version is there."""
    alone: bool = False
    down: bool = False

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.version:03}_m{self.version}.sql"


@dataclass(slots=True)
class Findings:
    """What the states of one campaign came to."""

    violations: list[str] = field(default_factory=list)
    unknowable: int = 0
    """How many versions ran again of which nothing in the database said that they ran."""
    unread: int = 0
    """How often ``check`` said yes to a role that may not read the journal that contradicts."""
    kinds: Counter[str] = field(default_factory=Counter)
    commands: int = 0


@dataclass(slots=True)
class World:
    """One state: what was done to it, what is known of it, and what a person has decided."""

    lab: Lab
    database: Database
    rng: Random
    folder: Path
    findings: Findings
    connection: Connection
    target: str
    files: dict[int, Migration] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    place: Place = field(default_factory=Place)
    moved: Place | None = None
    copies: dict[str, bytes] = field(default_factory=dict)
    """An older copy of each table."""
    known: dict[int, Row] = field(default_factory=dict)
    """The rows of the set as pgbraid wrote them."""
    told: dict[int, list[Line]] = field(default_factory=dict)
    """The journal's lines of each version when its row was written."""
    by_hand: set[int] = field(default_factory=set)
    """Versions whose rows are a person's word."""
    answered: set[int] = field(default_factory=set)
    """Versions that a person has said may run again."""
    more: Counter[int] = field(default_factory=Counter)
    """How often more than once a version ran with a reason."""
    blind: bool = False
    """Whether the role may not read the journal."""
    story: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def write(self, migration: Migration) -> None:
        """Add a file to the folder, or change it."""
        self.files[migration.version] = migration
        (self.folder / migration.name).write_text(migration.text)
        if migration.down:
            down = f"INSERT INTO trace.log (version, statement) VALUES ({migration.version}, 0);\n"
            (self.folder / migration.name.replace(".sql", ".down.sql")).write_text(down)

    def make_harmless(self, version: int) -> None:
        """Give a file a text that only leaves its trace, outside a transaction if it was so."""
        alone = (self.folder / self.files[version].name).read_text().startswith("-- pgbraid")
        head = "-- pgbraid: no-transaction\n" if alone else ""
        log = f"INSERT INTO trace.log (version, statement) VALUES ({version}, 1);\n"
        self.write(Migration(version, head + log, (1,), alone=alone))
        self.story.append(f"(file {version} is harmless now)")

    def run(self, query: str, *, tell: bool = True) -> None:
        """Run statements as a superuser."""
        if tell:
            self.story.append(query)
        self.connection.execute(query.encode())

    def facts(self) -> Facts:
        """Read what is there now."""
        return read_facts(self.connection, self.place, self._elsewhere())

    def _elsewhere(self) -> frozenset[int]:
        """Return the versions of a set that was moved away, as the role of the commands sees it."""
        if self.moved is None:
            return frozenset()
        query = f"SET row_security = off; SELECT version FROM {self.moved.set}"
        try:
            with psycopg.connect(self.target, autocommit=True) as connection:
                cursor = connection.execute(query.encode())
                cursor.nextset()
                return frozenset(version for (version,) in cursor)
        except psycopg.Error:
            return frozenset()

    def open_gates(self) -> None:
        """Make every table for the want of which a file fails."""
        for migration in self.files.values():
            if migration.gated:
                gate = f"public.gate{migration.version}"
                self.run(f"CREATE TABLE IF NOT EXISTS {gate} (i int)")
                self.run(f"GRANT ALL ON {gate} TO PUBLIC", tell=False)

    def call(self, *words: str) -> Ended:
        """Run a command of pgbraid's, and judge what it came to."""
        before = self.facts()
        env = {"PGBRAID_DATABASE_URL": self.target}
        words = (*words, *self.options)
        started = self.lab.forks.start(*words, "--dir", str(self.folder), env=env)
        ended = started.wait(_PATIENCE)
        self.story.append(f"$ pgbraid {' '.join(words)}  -> {ended.code}")
        self.findings.commands += 1
        self.judge(words, before, ended, self.facts())
        return ended

    def judge(self, words: tuple[str, ...], before: Facts, ended: Ended, after: Facts) -> None:
        """Note everything that is not as it must be after a command."""
        if ended.code in {None, 70} or "Traceback" in ended.err or (ended.code or 0) < 0:
            self.found.append(f"(d) a command ends in time with a code of ours; {ended}")
        if ended.code:
            self.found += [f"(e) {said}; {ended}" for said in commandless(ended.err)]
        self._judge_reruns(before, after)
        if words[0] == "check" and ended.code == 0:
            self._judge_yes(before)
        if words[:3] == ("repair", "--trust", "journal") and ended.code == 0:
            self._judge_restored(before, after)
        self._learn(words, ended, before, after)

    def _judge_reruns(self, before: Facts, after: Facts) -> None:
        again = set()
        for (version, statement), times in after.ran.items():
            had = before.ran[version, statement]
            if times <= max(1, had):
                continue
            again.add(version)
            if version in self.answered or version not in self.files:
                continue
            if before.tells(version, statement):
                self.found.append(
                    f"(a) a statement runs once; {version}:{statement} ran {times} times, the set "
                    f"had it: {version in before.versions}, the journal's last word: "
                    f"{before.said(version)}, through: {before.through(version)}, noted: "
                    f"{version in before.noted}, emptied: {before.emptied}"
                )
            else:
                self.findings.unknowable += 1
        for version in again:
            self.more[version] += 1
            self.answered.discard(version)

    def _judge_yes(self, before: Facts) -> None:
        wrong = before.lost | before.outdated
        if wrong and self.blind:
            self.findings.unread += 1
        elif wrong:
            self.found.append(
                f"(b) check says no over a set that the journal contradicts; lost {before.lost}, "
                f"outdated {before.outdated}"
            )
        for version, migration in self.files.items():
            times = [before.ran[version, s] for s in migration.statements]
            fine = all(1 <= each <= 1 + self.more[version] for each in times)
            if not fine and version not in self.by_hand:
                self.found.append(f"(c) check says yes where each ran once; {version}: {times}")

    def _judge_restored(self, before: Facts, after: Facts) -> None:
        for version in after.versions - before.versions:
            row, known = (after.rows or {})[version][0], self.known.get(version)
            lines = (before.lines or {}).get(version, [])
            if known is None or version in self.by_hand or lines[: len(self.told[version])] != (
                self.told[version]
            ):
                continue
            apart = abs((row.at - known.at).total_seconds()) if row.at and known.at else _MINUTE
            if row != known or apart >= _MINUTE:
                self.found.append(f"(f) a restored row is as it was; {version}: {row}, was {known}")

    def _learn(self, words: tuple[str, ...], ended: Ended, before: Facts, after: Facts) -> None:
        """Note what a person has decided by a command, and what pgbraid has written."""
        decided: set[int] = set()
        if words[:3] == ("repair", "--trust", "set"):
            decided = before.lost | before.outdated
            decided |= set(self.files) if not before.versions and not before.count else set()
        elif words[:3] == ("repair", "--trust", "journal"):
            decided = before.outdated | {v for v in before.lost if not self.is_done(before, v)}
        elif words[0] == "baseline":
            decided = after.versions - before.versions
        elif words[0] == "resume" and len(words) > 2 and ended.code in {0, 3}:
            decided = {int(words[1])}
        self.answered |= decided if words[0] != "baseline" else set()
        self.by_hand |= {v for v in decided if words[0] == "resume" or not self.is_done(before, v)}
        for version in after.versions:
            changed = version not in before.versions or words[0] == "repair"
            if changed and words[1:2] != ("--trust",) and ended.code is not None:
                self.learn(version, after)

    def learn(self, version: int, facts: Facts) -> None:
        """Remember a row of the set as pgbraid wrote it."""
        self.known[version] = (facts.rows or {})[version][0]
        self.told[version] = list((facts.lines or {}).get(version, []))

    def is_done(self, facts: Facts, version: int) -> bool:
        """Whether all of a file ran, and was not undone."""
        migration = self.files.get(version)
        return bool(migration) and all(
            facts.ran[version, s] >= 1 for s in (migration.statements if migration else ())
        )

    def age(self) -> None:
        """Make the history a day older, so that times tell when something was restored."""
        for table, column in ((self.place.set, "applied_at"), (self.place.journal, "happened_at")):
            self.run(f"UPDATE {table} SET {column} = {column} - interval '1 day'", tell=False)
        facts = self.facts()
        for version in facts.versions:
            self.learn(version, facts)

    def copy(self) -> None:
        """Keep the rows of both tables as they are now."""
        for name, table in (("{set}", self.place.set), ("{journal}", self.place.journal)):
            with self.connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
                self.copies[name] = b"".join(bytes(piece) for piece in copy)
