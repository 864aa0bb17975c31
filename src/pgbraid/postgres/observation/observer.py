"""Runs migrations on a scratch database, statement by statement, and observes each of them.

A statement runs as ``up`` runs it: in a transaction with the settings of the runner, or outside one
if PostgreSQL requires that. Nothing is measured that another session would disturb: the database
belongs to this session alone.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from pgbraid.model.errors import MigrationFailed
from pgbraid.model.observed import FileObservation, StatementObservation
from pgbraid.postgres.client.connection import error_of
from pgbraid.postgres.client.server_errors import forward_notices, translate_errors
from pgbraid.postgres.client.session import send_sql
from pgbraid.postgres.observation.autocommit import effects_between
from pgbraid.postgres.observation.catalog_reader import (
    catalog_after,
    read_catalog,
)
from pgbraid.postgres.observation.catalog_statements import CatalogStatements, seconds_before
from pgbraid.postgres.observation.effect_reader import EffectReader, Known
from pgbraid.postgres.observation.plan import PLANNED, WholeReads, whole_reads
from pgbraid.postgres.observation.workload import PreparedWorkload
from pgbraid.postgres.transaction.boundaries import (
    BodyEffect,
    apply_session_settings,
    body_settings_sql,
    finish_body,
    fire_deferred,
    roll_back,
    transaction,
)
from pgbraid.postgres.transaction.script_runner import (
    ledger_written_error,
    migration_error,
    run_segment,
    run_segments,
    transaction_ended_error,
)
from pgbraid.sql.classify import ExecutionKind, classify_statements
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from psycopg.pq.abc import PGresult

    from pgbraid.model.migration import Diagnostic, Migration
    from pgbraid.model.observed import Catalog
    from pgbraid.model.options import Limits
    from pgbraid.postgres.client.session import Session
    from pgbraid.postgres.ledger.tables import LedgerTraits
    from pgbraid.postgres.observation.effect_reader import Effects
    from pgbraid.postgres.transaction.boundaries import OpenTransaction
    from pgbraid.sql.classify import ScriptStatement
    from pgbraid.sql.script import Script, Statement

__all__ = ["Observer"]

_BY_INDEX = PLANNED | {"DO", "CALL", "VALUES"}
"""First words of the statements whose scans show whether an index can serve them."""
_ONE_TABLE = frozenset({("ALTER", "TABLE"), ("CREATE", "INDEX"), ("CREATE", "UNIQUE")})
"""Statements that change the tables that they name, and their partitions."""
_FORGETS = "deallocate"
"""A word of statements that may remove prepared statements, ours included."""
_MAY_COMMIT = frozenset({("CALL",), ("DO",)})
_NO_STATEMENT = "26000"
"""SQLSTATE of EXECUTE for a prepared statement that does not exist."""
_ENDS_TRANSACTION = "2D000"
"""SQLSTATE of a COMMIT in a procedure that runs in a transaction."""
_INDEX_SCANS = "SET LOCAL enable_seqscan = {}"


class _Ran(NamedTuple):
    """A statement that ran: the results of the question about its effects, and its seconds."""

    results: list[PGresult]
    seconds: float
    reads: WholeReads


class Observer:
    """Observes migrations, one after the other, each on the result of the one before.

    The session must be prepared for migrations; its database must have the ledger. ``catalog`` is
    the state after the last migration. A ``guard`` is called in the transaction of each migration,
    after its statements. ``observe`` raises the errors of the connection and Stopped.
    """

    def __init__(
        self,
        session: Session,
        traits: LedgerTraits,
        limits: Limits,
        queries: Iterable[str] = (),
        guard: Callable[[Session, Migration], None] | None = None,
    ) -> None:
        self.session = session
        self.guard = guard
        self.prepares_again = False
        """Whether our statements are prepared again after each statement of the migration."""
        self._traits = traits
        self._limits = limits
        with translate_errors(session):
            self.statements = CatalogStatements(session)
            self.catalog = read_catalog(self.statements)
            self._workload = PreparedWorkload(self.statements, queries)

    @property
    def usable_queries(self) -> int:
        """The number of queries that can be prepared at present."""
        return len(self._workload.working)

    def observe(self, migration: Migration, script: Script) -> FileObservation:
        """Run a migration and return what it did; a failed one is rolled back."""
        with translate_errors(self.session):
            before = self.catalog
            state = Known(dict(before.relations), before.highest, before.transaction)
            run = _FileRun(self, migration, script, state, before)
            failure: Diagnostic | None = None
            try:
                if migration.directives.no_transaction:
                    run.without_transaction()
                else:
                    run.in_transaction()
            except MigrationFailed as error:
                roll_back(self.session)
                if self._lost_our_statements(error) and not migration.directives.no_transaction:
                    self.statements.reset()
                    self.prepares_again = True
                    return self.observe(migration, script)
                failure = error.diagnostic
            self.prepares_again = False
            if failure is None or migration.directives.no_transaction:
                changed = (o for o, r in state.relations.items() if r is not before.relations[o])
                after = catalog_after(self.statements, before, tuple(changed))
            else:
                self.statements.reset()
                after = before
            broken = () if failure else self._workload.broken()
        self.catalog = after
        return FileObservation(migration, tuple(run.statements), before, after, failure, broken)

    def _lost_our_statements(self, error: MigrationFailed) -> bool:
        """Whether code of a migration has removed our prepared statements."""
        missing = error.sqlstate == _NO_STATEMENT and "pgbraid_" in error.diagnostic.message
        return missing and not self.prepares_again

    def limits_of(self, migration: Migration) -> Limits:
        """Return the limits that ``up`` gives the statements of a migration."""
        return self._limits.with_directives(migration.directives)

    def record(self, migration: Migration) -> None:
        """Add a migration to the applied set: a later one may read it."""
        insert = self.session.text(
            "ledger",
            "insert_applied",
            version=migration.version,
            name=migration.name,
            checksum=self._traits.checksum(migration.checksum),
        )
        send_sql(self.session, insert)


@dataclass(slots=True, frozen=True)
class _FileRun:
    """One migration while it is observed."""

    observer: Observer
    migration: Migration
    script: Script
    state: Known
    before: Catalog
    statements: list[StatementObservation] = field(default_factory=list)
    _notices: list[Diagnostic] = field(default_factory=list)

    def in_transaction(self) -> None:
        """Run the whole file in one transaction. Raises MigrationFailed."""
        session, body = self.observer.session, self.script.statements
        body = body[1:-1] if self.script.wrapped else body
        with self._transaction(1, next(iter(body), None)) as (reader, opened):
            for number, statement in enumerate(body, 1):
                following = body[number] if number < len(body) else None
                self._observed(reader, statement, (number, 1), following)
            try:
                fire_deferred(session)
            except psycopg.Error as error:
                raise migration_error(session, self.migration, self.script, error) from None
            self._finish(opened)
            try:
                self.observer.record(self.migration)
            except psycopg.Error as error:
                raise migration_error(session, self.migration, self.script, error) from None

    def _finish(self, opened: OpenTransaction) -> None:
        """Undo the settings of the statements, and refuse what ``up`` refuses after them."""
        effect = finish_body(self.observer.session, opened)
        if effect is BodyEffect.ENDED_TRANSACTION:
            raise transaction_ended_error(self.migration)
        if effect is BodyEffect.WROTE_LEDGER:
            raise ledger_written_error(self.migration, self.observer.session.ledger)
        if self.observer.guard:
            self.observer.guard(self.observer.session, self.migration)

    @contextmanager
    def _transaction(
        self, block: int, first: Statement | None
    ) -> Iterator[tuple[EffectReader, OpenTransaction]]:
        """Open a transaction with the settings for its first statement; yield its reader, too."""
        session, migration = self.observer.session, self.migration
        limits = self.observer.limits_of(migration)
        reader = EffectReader(self.observer.statements, self.state, limits.lock_timeout)
        isolation = migration.directives.isolation if block == 1 else None
        with (
            forward_notices(session, self._notices.append),
            transaction(session, isolation=isolation) as opened,
        ):
            settings = body_settings_sql(session, limits), _INDEX_SCANS.format(_switch(first))
            reader.start(then=";\n".join(settings))
            yield reader, opened

    def without_transaction(self) -> None:
        """Run each statement by itself, as PostgreSQL requires it. Raises MigrationFailed."""
        block = 0
        for statement in classify_statements(self.script):
            if statement.kind is ExecutionKind.SETTING:
                continue
            block += 1
            called = statement.statement.words[:1] in _MAY_COMMIT
            if statement.kind is ExecutionKind.TRANSACTIONAL or called:
                try:
                    self._alone(statement, block)
                    continue
                except MigrationFailed as error:
                    ends = called and error.sqlstate == _ENDS_TRANSACTION
                    if not (ends or error.needs_no_transaction):
                        raise
                    roll_back(self.observer.session)
                    self.observer.statements.reset()
            self._autocommit(statement, block)
        self.observer.record(self.migration)

    def _alone(self, statement: ScriptStatement, block: int) -> None:
        with self._transaction(block, statement.statement) as (reader, opened):
            self._apply_settings(statement)
            self._observed(reader, statement.statement, (statement.number, block), None)
            self._finish(opened)
        self.observer.statements.reset()

    def _apply_settings(self, statement: ScriptStatement) -> None:
        for setting in statement.settings:
            self._run(setting.statement)

    def _run(self, statement: Statement) -> None:
        part = ScriptPart(replace(self.script, statements=(statement,)))
        run_segments(self.observer.session, self.migration, (part,))

    def _observed(
        self,
        reader: EffectReader,
        statement: Statement,
        place: tuple[int, int],
        following: Statement | None,
    ) -> None:
        """Run a statement in the open transaction, and keep its effects.

        ``place`` is the number of the statement and that of its transaction.
        """
        number, block = place
        timeout, settled = reader.lock_timeout, self._settled(reader, statement)
        then = _INDEX_SCANS.format(_switch(following)) if following else ""
        self._notices.clear()
        ran = self._run_and_ask(statement, lambda: reader.question(settled, then))
        reads = ran.reads
        seen = StatementObservation(
            number,
            *self._lines(statement),
            self._text(statement),
            statement.words,
            block,
            ran.seconds * 1000,
            timeout,
            notices=tuple(self._notices),
            driven=reads.driven,
        )
        effects = reader.read(ran.results)
        scans = {o: n for o, n in effects.scans.items() if o not in reads.in_part}
        scans |= {oid: 1 for oid in reads.whole if oid not in scans}
        self.statements.append(_with_effects(seen, replace(effects, scans=scans)))

    def _run_and_ask(self, statement: Statement, question: Callable[[], str]) -> _Ran:
        """Run a statement and the question about its effects, in one message if possible."""
        session, text = self.observer.session, self._text(statement)
        part = ScriptPart(replace(self.script, statements=(statement,)))
        segments = tuple(part.segments())
        forgets = self.observer.prepares_again or _FORGETS in text.lower()
        planned = bool(statement.words) and statement.words[0] in PLANNED
        if len(segments) == 1 and segments[0].data is None and not (forgets or planned):
            current = part.script, segments[0]
            results = run_segment(session, self.migration, current, then=question())
            return _Ran(results, seconds_before(results), WholeReads())
        began = time.perf_counter()
        self._run(statement)
        seconds = time.perf_counter() - began
        if forgets:
            self.observer.statements.prepare()
        reads = WholeReads()
        if planned:
            reads_only = statement.words[0] in {"SELECT", "TABLE"}
            reads = whole_reads(session, text, self.state.relations, reads_only=reads_only)
        results = session.send(question().encode())
        error = error_of(results)
        if error is not None:
            raise migration_error(session, self.migration, self.script, error)
        return _Ran(results, seconds, reads)

    def _text(self, statement: Statement) -> str:
        return self.script.text[statement.start : statement.end]

    def _lines(self, statement: Statement) -> tuple[int, int]:
        first, last = self.script.place(statement.start), self.script.place(statement.end)
        return first[0], last[0]

    def _settled(self, reader: EffectReader, statement: Statement) -> tuple[int, ...]:
        """Return the locked relations that a statement cannot change: it does not name them."""
        text = self._text(statement).lower()
        # CASCADE and a change of a type change other tables, too.
        if statement.words[:2] not in _ONE_TABLE or "cascade" in text or "type" in text:
            return ()
        return tuple(
            oid
            for oid in reader.strong
            if (relation := self.state.relations.get(oid))
            and not relation.parent
            and relation.kind == "r"
            and relation.name.lower().replace('"', '""') not in text
        )

    def _autocommit(self, statement: ScriptStatement, block: int) -> None:
        """Run a statement outside a transaction; the catalog before and after shows its effect."""
        session, limits = self.observer.session, self.observer.limits_of(self.migration)
        statements = self.observer.statements
        before = read_catalog(statements)
        apply_session_settings(session, limits)
        self._apply_settings(statement)
        self._notices.clear()
        began = time.perf_counter()
        with forward_notices(session, self._notices.append):
            self._run(statement.statement)
        spent = time.perf_counter() - began
        statements.reset()
        command = statement.command or " ".join(statement.statement.words[:2])
        seen = StatementObservation(
            statement.number,
            *self._lines(statement.statement),
            statement.text,
            statement.statement.words,
            block,
            spent * 1000,
            limits.lock_timeout,
            notices=tuple(self._notices),
            autocommit=command,
        )
        effects = effects_between(before, read_catalog(statements), command, self.state)
        self.statements.append(_with_effects(seen, effects))


def _with_effects(seen: StatementObservation, effects: Effects) -> StatementObservation:
    return replace(
        seen,
        locks=effects.locks,
        scans=effects.scans,
        written=effects.written,
        files=effects.files,
        changed=effects.changed,
        created=effects.created,
    )


def _switch(statement: Statement | None) -> str:
    """Return the value of enable_seqscan for a statement.

    On an empty table every plan is a sequential scan. With the setting off, a scan that the server
    still chooses means that no index can serve the statement.
    """
    return "off" if statement and statement.words[:1] and statement.words[0] in _BY_INDEX else "on"
