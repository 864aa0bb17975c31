"""A database with a folder of migrations and a history; every command of it is judged.

The promises: (a) no statement runs twice of which the database still says that it ran, unless a
person said so; (b) ``check`` says no over a set that the journal contradicts, or that has a file
that never ran; (c) a command ends with words of ours; (d) no row and no line of the journal goes
without a word; (e) a refusal says what to do, and the commands that it names lead to the end.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from chaos.ledger_facts import JOURNAL, SET, read_facts
from chaos.ledger_files import traced

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from chaos.environment import Lab
    from chaos.fork_server import Ended
    from chaos.ledger_facts import Connection, Facts
    from chaos.ledger_files import Migration
    from devtools.database import Database

__all__ = ["World", "errors_of", "hint_of"]

_PATIENCE = 60.0
_BLOCK = re.compile(r"^(?:(\S+?): )?(ERROR|WARNING|NOTICE):  ", re.MULTILINE)
_OF_A_FILE = re.compile(r"\S+\.sql(:\d+)*: ")
"""What a migration's own SQL came to, on which pgbraid has no word to say."""
_HINT = re.compile(r"^HINT:  (.*)$", re.MULTILINE)
_RAW = re.compile(
    r'psycopg|(?:relation|constraint|table) "applied_migrations|column (?:\w+\.|")\w+"? .*'
    r"does not exist|INSERT RETURNING"
)
"""What the server says of our own statements, or the driver says."""


def errors_of(text: str) -> list[str]:
    """Return the parts of the output that are an error each."""
    starts = [*(match.start() for match in _BLOCK.finditer(text)), len(text)]
    parts = [text[start:end] for start, end in pairwise(starts)]
    return [part for part in parts if (found := _BLOCK.match(part)) and found[2] == "ERROR"]


def hint_of(error: str) -> str:
    """Return an error's hint."""
    return "\n".join(_HINT.findall(error))


@dataclass(slots=True)
class World:
    """One state: what was done to it, and what a person has decided."""

    lab: Lab
    database: Database
    rng: Random
    folder: Path
    connection: Connection
    target: str
    files: dict[int, Migration] = field(default_factory=dict)
    copies: dict[str, bytes] = field(default_factory=dict)
    """An older copy of each table."""
    ran_as: dict[int, int] = field(default_factory=dict)
    """The version as which each text ran last."""
    by_hand: set[int] = field(default_factory=set)
    """Versions whose rows are a person's word."""
    answered: set[int] = field(default_factory=set)
    """Texts that a person has said may run again."""
    elsewhere: str | None = None
    """Where somebody has moved the set."""
    blind: bool = False
    """Whether the role may not read the journal."""
    hostile: bool = False
    """Whether somebody's code runs where we write to the ledger."""
    counts: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def write(self, migration: Migration) -> None:
        """Add a file to the folder, or change it."""
        self.files[migration.version] = migration
        (self.folder / f"{migration.stem}.sql").write_text(migration.text)
        if migration.down:
            (self.folder / f"{migration.stem}.down.sql").write_text(traced(migration.origin, 0))

    def remove(self, version: int) -> None:
        """Take a file out of the folder."""
        stem = self.files.pop(version).stem
        for end in (".sql", ".down.sql"):
            (self.folder / f"{stem}{end}").unlink(missing_ok=True)

    def make_harmless(self, version: int) -> None:
        """Give a file a text that leaves a trace and nothing else."""
        file = self.files[version]
        head = "-- pgbraid: no-transaction\n" if file.alone else ""
        self.write(replace(file, text=head + traced(file.origin), statements=(1,), gated=False))
        self.answered.add(file.origin)
        self.story.append(f"(file {version} is harmless now)")

    def run(self, query: str, *, tell: bool = True) -> None:
        """Run statements as a superuser."""
        self.story += [query] if tell else []
        self.connection.execute(query.encode())

    def facts(self) -> Facts:
        """Read what is there now."""
        return read_facts(self.connection, self.elsewhere)

    def copy(self) -> None:
        """Keep the rows of both tables as they are now."""
        for table in (SET, JOURNAL):
            with self.connection.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
                self.copies[table] = b"".join(bytes(piece) for piece in copy)

    def open_gates(self) -> None:
        """Make every table for the want of which a file fails."""
        for file in self.files.values():
            if file.gated:
                self.run(f"CREATE TABLE IF NOT EXISTS public.gate{file.origin} (i int)", tell=False)
                self.run(f"GRANT ALL ON public.gate{file.origin} TO PUBLIC", tell=False)
        self.story.append("(gates open)")

    def is_done(self, facts: Facts, version: int, *, ever: bool = False) -> bool:
        """Whether all of a file ran, and was not undone; or whether it ``ever`` ran."""
        file = self.files.get(version)
        if file is None:
            return False
        undone = facts.ran[file.origin, 0] if ever else 0
        return all(facts.ran[file.origin, n] + undone >= 1 for n in file.statements)

    def call(self, *words: str) -> Ended:
        """Run a command of pgbraid's, and judge what it came to."""
        before = self.facts()
        env = {"PGBRAID_DATABASE_URL": self.target}
        running = self.lab.forks.start(*words, "--dir", str(self.folder), env=env)
        ended = running.wait(_PATIENCE)
        self.story.append(f"$ pgbraid {' '.join(words)}  -> {ended.code}")
        self.counts["commands"] += 1
        self.counts["refusals"] += bool(ended.code)
        self.judge(words, before, ended, self.facts())
        return ended

    def judge(self, words: tuple[str, ...], before: Facts, ended: Ended, after: Facts) -> None:
        """Note everything that is not as it must be after a command."""
        self._judge_reruns(before, after)
        if words[0] == "check" and ended.code == 0:
            self._judge_yes(before)
        self._judge_words(ended)
        if not self.hostile:
            self._judge_losses(before, after, ended)
        if self.hostile:
            self.accept_rows()
        self._learn(words, before, after, ended)

    def accept_rows(self) -> None:
        """Take each row of a file that did not run as a person's word, as somebody's code wrote it.

        A person is shown such rows, and confirms them.
        """
        facts = self.facts()
        self.by_hand |= {version for version in facts.rows if not self.is_done(facts, version)}

    def _judge_reruns(self, before: Facts, after: Facts) -> None:
        again = {key for key in after.ran if key[1] and after.ran[key] > max(1, before.ran[key])}
        for origin, number in sorted(again):
            if origin in self.answered:
                continue
            if self._tells(before, origin, number):
                version = self.ran_as.get(origin)
                self.found.append(
                    f"(a) a statement ran again; {origin}:{number}, {after.ran[origin, number]}"
                    f" times, it was version {version}, in the set: {version in before.rows},"
                    f" journal: {before.last(version or 0)}, noted: {version in before.noted}"
                )
            else:
                self.counts["unknowable"] += 1
        self.answered -= {origin for origin, _ in again}
        current = {file.origin: file.version for file in self.files.values()}
        for origin, number in after.ran:
            if after.ran[origin, number] > before.ran[origin, number] and origin in current:
                self.ran_as[origin] = current[origin]

    def _tells(self, before: Facts, origin: int, number: int) -> bool:
        """Whether the database says that a statement ran, or that what it says is not all."""
        version = self.ran_as.get(origin, origin)
        file = next((f for f in self.files.values() if f.origin == origin), None)
        if before.emptied or ((before.lost or before.outdated) and not self.blind):
            return True
        if not before.rows and version in before.elsewhere and self.target.find("user=l") < 0:
            return True
        if file is None or file.version == version:
            begun = any(line.event == "started" for line in before.lines.get(version, []))
            known = version in before.noted and not begun
            return version in before.rows or number in before.through(version) or known
        return version not in self.files and before.rows.get(version) == file.checksum

    def _judge_yes(self, before: Facts) -> None:
        wrong = before.lost | before.outdated
        if wrong and self.blind:
            self.counts["unread"] += 1
        elif wrong:
            self.found.append(f"(b) check says yes; lost {before.lost}, outdated {before.outdated}")
        never = {v for v in self.files if not self.is_done(before, v, ever=True)} - self.by_hand
        if never:
            self.found.append(f"(b) check says yes over what never ran; {never}")

    def _judge_words(self, ended: Ended) -> None:
        text = ended.out + ended.err
        if ended.code in {None, 70} or (ended.code or 0) < 0 or "Traceback" in text:
            self.found.append(f"(c) a command ends with words of ours; {ended}")
        if not ended.code:
            return
        errors = errors_of(ended.err)
        if not errors and "ERROR" not in text:
            self.found.append(f"(c) a refusal is an error; {ended}")
        for error in errors:
            head = error.splitlines()[0]
            if _RAW.search(head) and not _OF_A_FILE.match(head):
                self.found.append(f"(c) an error of ours, not the server's; {head!r}")
            elif not hint_of(error) and not _OF_A_FILE.match(head):
                self.found.append(f"(e) a refusal says what to do; {head!r}")

    def _judge_losses(self, before: Facts, after: Facts, ended: Ended) -> None:
        told = set(map(int, re.findall(r"\d+", ended.out + ended.err)))
        if gone := before.rows.keys() - after.rows.keys() - told:
            self.found.append(f"(d) rows went without a word; {gone}, {ended}")
        if after.count < before.count:
            self.found.append(f"(d) {before.count - after.count} lines went; {ended}")

    def _learn(self, words: tuple[str, ...], before: Facts, after: Facts, ended: Ended) -> None:
        """Note what a person has decided by a command."""
        decided: set[int] = set()
        if words[:3] == ("repair", "--trust", "applied-set"):
            decided = before.lost | before.outdated
            # Who trusts an empty set says that no migration is applied.
            decided |= set(self.files) if not before.rows else set()
        elif words[:3] == ("repair", "--trust", "journal"):
            decided = before.outdated
            self.by_hand |= {v for v in before.lost if not self.is_done(before, v)}
        elif words[0] == "baseline":
            added = after.rows.keys() - before.rows.keys()
            self.by_hand |= {v for v in added if not self.is_done(before, v)}
        elif words[0] == "repair" and ended.code == 0:
            self.by_hand |= set(after.rows)  # the texts of the files are accepted as they are
        elif words[0] == "resume" and len(words) > 2 and ended.code in {0, 3}:
            decided = {int(words[1])}
        for version in decided:
            self.by_hand |= {version} if not self.is_done(before, version) else set()
            self.answered |= {o for o, v in self.ran_as.items() if v == version}
