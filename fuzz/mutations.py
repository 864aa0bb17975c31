"""One change at a time: each must be seen, and what changes nothing must not."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from fuzz.checks import raw_oids, told_secrets, trees_left_out
from fuzz.lab import sorted_lines
from fuzz.script import base_of, mutations, neutral
from pgbraid.prove.comparison.schema_diff import diff_snapshots, differing_facets
from pgbraid.prove.comparison.snapshot_text import format_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fuzz.lab import Lab
    from fuzz.script import Case
    from pgbraid.model.snapshot import Difference, Snapshot
    from pgbraid.postgres.client.connection import Connection

_UNSEEN = "UNSEEN"
_NOT_IN_TEXT = {"data", "sequence values"}
__all__ = ["Found", "Mutations", "chosen"]


@dataclass(slots=True)
class Found:
    """What came out of a campaign: how many were tried, and what is not as it must be."""

    tried: int = 0
    skipped: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    """What was not seen, and need not be."""
    wrong: list[str] = field(default_factory=list)

    def note(self, name: str, found: Iterable[str]) -> None:
        """Keep what was found wrong, and say it at once."""
        for each in found:
            self.wrong.append(f"{name}: {each}")
            print(f"  WRONG {name}: {each}", flush=True)


def chosen(major: int, features: frozenset[str]) -> tuple[list[Case], list[str]]:
    """Return the mutations that a server can be asked for, and the names of the others."""
    every = mutations()
    fitting = [case for case in every if case.fits(major, features)]
    return fitting, [case.name for case in every if case not in fitting]


class Mutations:
    """The campaign on one server."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.base = lab.template(base_of(lab.major))
        self.told: set[str] = set()
        with lab.database(self.base) as conn:
            self.before = lab.read(conn)

    def run(self, cases: Iterable[Case], *, same: bool = False) -> Found:
        """Try cases, which must be seen, or not be seen where they leave all the same."""
        found = Found()
        for case in cases:
            if not case.fits(self.lab.major, self.lab.features):
                found.skipped.append(case.name)
                continue
            found.tried += 1
            try:
                wrong = self._try(case, same=same)
                if wrong == [_UNSEEN] and case.beyond:
                    found.beyond.append(f"{case.name}: {case.beyond}")
                    continue
                found.note(case.name, wrong)
            except Exception:  # noqa: BLE001 - the others are to be tried all the same
                found.note(case.name, [f"it broke\n{traceback.format_exc(limit=-4)}"])
        return found

    def _try(self, case: Case, *, same: bool) -> list[str]:
        with self.lab.database(self.base) as conn:
            before = self.before
            if case.before:
                self.lab.run(conn, case.before)
                before = self.lab.read(conn)
            self.lab.run(conn, case.sql)
            after = self.lab.read(conn)
            wrong = self._wrong_with(conn, after)
            facets = set(differing_facets(before, after))
            differences = diff_snapshots(before, after)
            if same:
                facets.discard("sequence values") if case.facet == "sequence values" else None
                wrong += [f"seen: {_told(d)}" for d in differences if d.facet in facets]
            else:
                wrong += _unseen(case, facets, differences)
            if (
                facets - _NOT_IN_TEXT
                and format_snapshot(before) == format_snapshot(after)
                and not case.unwritten
            ):
                wrong.append("the text of the snapshot loses it")
            if not facets and self._dumps_differ(case, conn):
                wrong.append("pg_dump sees it, and the snapshot does not")
            return wrong

    def _dumps_differ(self, case: Case, conn: Connection) -> bool:
        """Whether pg_dump sees what the snapshot did not."""
        with self.lab.database(self.base) as other:
            if case.before:
                self.lab.run(other, case.before)
            ours = self.lab.dump(other.info.dbname).replace(other.info.dbname, "")
        theirs = self.lab.dump(conn.info.dbname).replace(conn.info.dbname, "")
        return sorted_lines(ours) != sorted_lines(theirs)

    def check_all(self) -> Found:
        """Look at a database in which everything was done, as far as it goes together."""
        found = Found(tried=1)
        with self.lab.database(self.base) as conn:
            if self.lab.read(conn) != self.before:
                found.note("a copy", ["it has another snapshot"])
            found.note("trees", [f"no fact stands for {t}" for t in trees_left_out(conn)])
            done = sum(self._done(conn, case) for case in chosen(self.lab.major, frozenset())[0])
            found.note("everything", self._wrong_with(conn, self.lab.read(conn)))
            print(f"  a database in which {done} mutations were done", flush=True)
        return found

    def _done(self, conn: Connection, case: Case) -> bool:
        try:
            for sql in filter(None, (case.before, case.sql)):
                self.lab.run(conn, sql)
        except psycopg.Error:
            return False
        return True

    def _wrong_with(self, conn: Connection, snapshot: Snapshot) -> list[str]:
        """Return what is in a snapshot that must not be, each kind of it once."""
        numbers = {where.split(" of ")[0]: where for where in raw_oids(conn, snapshot)}
        new = [text for kind, text in numbers.items() if kind not in self.told]
        self.told |= numbers.keys()
        wrong = [f"the number of an object: {text[:300]}" for text in new]
        return wrong + [f"the password {word} can be read" for word in told_secrets(snapshot)]

    @staticmethod
    def neutral() -> list[Case]:
        """Return the cases that leave all the same."""
        return neutral()


def _unseen(case: Case, facets: set[str], differences: tuple[Difference, ...]) -> list[str]:
    if not facets:
        return [_UNSEEN]
    if not differences:
        return [f"compare() says nothing, facets are {sorted(facets)}"]
    wrong = []
    if case.facet and case.facet not in facets:
        wrong.append(f"of {case.facet}, but seen in {sorted(facets)}")
    if not any(case.says in text for d in differences for text in _texts(d)):
        told = "; ".join(_told(d) for d in differences[:4])
        wrong.append(f"nothing says {case.says!r}: {told}")
    return wrong


def _texts(difference: Difference) -> list[str]:
    named = [fact.name for fact in difference.attributes]
    values = [v for fact in difference.attributes for v in (fact.left, fact.right) if v is not None]
    return [difference.name, difference.catalog, *named, *values]


def _told(difference: Difference) -> str:
    facts = ", ".join(f"{f.name}: {f.left!r} {f.right!r}" for f in difference.attributes)[:200]
    return f"{difference.catalog} {difference.name} only={difference.only} [{facts}]"
