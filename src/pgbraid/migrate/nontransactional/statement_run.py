"""The run of one statement of a non-transactional migration, between its lines in the journal."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.migrate.execution.transactional import (
    notice_listener,
    retry_without_xid,
    verify_transaction,
)
from pgbraid.migrate.nontransactional import statement_errors
from pgbraid.migrate.nontransactional.journaled_run import DecisionRequired, NonTransactionalRun
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, PgbraidError
from pgbraid.model.events import LeftoverDropped, ServerNotice, StatementSkipped
from pgbraid.model.incomplete import CompletedStatement, StartedStatement
from pgbraid.model.options import Limits
from pgbraid.postgres.client.server_errors import forward_notices, translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal
from pgbraid.postgres.transaction.boundaries import (
    apply_body_settings,
    apply_session_settings,
    roll_back,
    transaction,
)
from pgbraid.postgres.transaction.invalid_index_cleanup import run_cleanup
from pgbraid.postgres.transaction.script_runner import run_script, run_segments
from pgbraid.postgres.transaction.statement_state import assess, capture_state, created_index
from pgbraid.sql.classify import ExecutionKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from pgbraid.model.incomplete import IncompleteMigration, RecoveryDecision
    from pgbraid.sql.classify import ScriptStatement

__all__ = ["StatementRun"]

_WITHOUT_LOCK_TIMEOUT = frozenset(
    {ExecutionKind.CREATE_INDEX, ExecutionKind.DROP_INDEX, ExecutionKind.REINDEX}
)


@dataclass(frozen=True, slots=True)
class StatementRun:
    """One statement of a non-transactional migration while it runs or is recovered."""

    migration_run: NonTransactionalRun
    statement: ScriptStatement

    def run(self, progress: IncompleteMigration, *, retry: bool) -> None:
        """Run the statement in a transaction, or in autocommit mode if PostgreSQL requires it.

        Whether some statements need autocommit depends on their object, which only the server
        knows: a REINDEX of a partitioned table, a DROP SUBSCRIPTION with a slot. They are tried in
        a transaction first. With ``retry``, a started statement whose outcome is unknown runs
        again. Raises MigrationFailed.
        """
        if self.statement.kind is not ExecutionKind.TRANSACTIONAL:
            self.migration_run.attempt(partial(self._run_autocommit, progress, retry=retry))
            return
        try:
            if self.started_in(progress) is None:
                self._run_in_transaction(progress)
                return
        except MigrationFailed as error:
            if not error.needs_no_transaction or error.incomplete:
                raise
        self._as_nontransactional().run(progress, retry=retry)

    def started_in(self, progress: IncompleteMigration) -> StartedStatement | None:
        """Return the journaled start of this statement, or None."""
        digest = self.statement.digest
        return next((s for s in progress.started if s.digest == digest), None)

    def _as_nontransactional(self) -> StatementRun:
        """Return a run of the statement in autocommit mode, which the server required."""
        command, repeatable = self.statement.statement.words[0], {("REINDEX",), ("CLUSTER",)}
        kind = (
            ExecutionKind.REPEATABLE
            if self.statement.statement.words[:1] in repeatable
            else ExecutionKind.NOT_REPEATABLE
        )
        statement = replace(self.statement, kind=kind, command=command)
        return StatementRun(self.migration_run, statement)

    def _run_in_transaction(self, progress: IncompleteMigration) -> None:
        """Run the statement and its journal entry in one transaction: exactly once."""
        session = self.migration_run.session
        with translate_errors(session):
            attempt = partial(self._attempt_in_transaction, progress)
            retry_without_xid(session, self.statement.text, attempt)

    def _attempt_in_transaction(self, progress: IncompleteMigration, *, without_id: bool) -> None:
        run, statement = self.migration_run, self.statement
        session, migration = run.session, run.migration
        with (
            forward_notices(session, notice_listener(run.context, migration)),
            transaction(session, without_xid=without_id) as opened,
        ):
            # The transaction holds the xact lock now: another run may have been here before.
            current = run.read_progress(progress)
            if current is None or statement.number in current.completed_numbers:
                return
            apply_body_settings(session, run.context.limits_of(migration))
            run.apply_settings(statement)
            run_script(session, migration, (run.part(statement),))
            verify_transaction(run.context, migration, opened)
            run.read_progress(current)  # raises, and rolls back, if the statement deleted lines
            journal.append(session, run.new_entry("statement_done", statement))
        reset_session(session)

    def _run_autocommit(self, progress: IncompleteMigration, *, retry: bool) -> None:
        """Run the statement in autocommit mode, between two journal entries."""
        run, statement = self.migration_run, self.statement
        current = run.read_progress(progress)
        if current is None or statement.number in current.completed_numbers:
            return
        earlier = self.started_in(current)
        if earlier is not None:
            decision = self.recover(earlier, retry=retry)
            if decision.done:
                run.append(run.new_entry("statement_done", statement, index=decision.index))
                return
        started = self._captured()
        if earlier is None and started.catalog_before.get("index") and not retry:
            if self._existing_index_suffices(started):
                return
            started = self._captured()
        others = tuple(s for s in current.started if s.digest != statement.digest)
        run.append(run.started_entry(started))
        try:
            self._send(started)
        except MigrationFailed as error:
            run.restore_progress(replace(current, started=(*others, started)))
            if not statement.if_not_exists or error.sqlstate != sqlstate.DUPLICATE_TABLE:
                raise
            # Another session created an index of that name since the state was captured, so the
            # existing index is not a leftover of this statement: compare it from the start.
            run.append(run.new_entry("failed", statement, **_cause(error)))
            self._run_autocommit(current, retry=False)
            return
        index = self.check_created_index()
        completed = CompletedStatement(statement.number, statement.digest, index)
        after = replace(current, completed=(*current.completed, completed), started=others)
        run.restore_progress(current, then=after)
        run.append(run.new_entry("statement_done", completed, index=index))

    def _captured(self) -> StartedStatement:
        """Return the statement with the present state of its object in the catalog."""
        statement = self.statement
        return StartedStatement(
            statement.number,
            statement.digest,
            statement.text,
            tuple(setting.text for setting in statement.settings),
            statement.kind,
            statement.command,
            capture_state(self.migration_run.session, statement, self._apply_settings),
        )

    def _apply_settings(self) -> None:
        self.migration_run.apply_settings(self.statement)

    def _send(self, started: StartedStatement) -> None:
        """Run the statement with its settings, and reset the session afterwards."""
        run, session = self.migration_run, self.migration_run.session
        partitioned = bool(started.catalog_before.get("partitioned"))
        try:
            self.prepare_session(self._apply_settings, partitioned=partitioned)
            with forward_notices(session, notice_listener(run.context, run.migration)):
                run_segments(session, run.migration, (run.part(self.statement),))
        except MigrationFailed:
            roll_back(session)
            reset_session(session)
            raise
        reset_session(session)

    def prepare_session(
        self, apply_settings: Callable[[], None], *, partitioned: bool = False
    ) -> None:
        """Apply the timeouts and settings of the statement to the session.

        Concurrent index statements get no lock_timeout. They block no other session while they
        wait, and a cancelled one leaves an invalid index. The exception is REINDEX of a
        ``partitioned`` object: it takes, on each partition, a lock that blocks writes.
        """
        run, statement = self.migration_run, self.statement
        limits = run.context.limits_of(run.migration)
        concurrent = "CONCURRENTLY" in (statement.command or "")
        unlimited = concurrent and statement.kind in _WITHOUT_LOCK_TIMEOUT and not partitioned
        if unlimited:
            limits = Limits(0.0, run.migration.directives.statement_timeout or 0.0)
        apply_session_settings(run.session, limits)
        apply_settings()
        if unlimited:  # again: a SET of the file must not bring a lock_timeout back
            apply_session_settings(run.session, limits, path=False)

    def recover(self, started: StartedStatement, *, retry: bool = False) -> RecoveryDecision:
        """Drop the leftovers of an earlier start of the statement; return its recovery decision.

        Raises MigrationFailed if another session works on the same object. Raises DecisionRequired
        if the outcome is unknown and ``retry`` is false.
        """
        statement = replace(
            self.statement, kind=ExecutionKind(started.kind), command=started.command
        )
        earlier = StatementRun(self.migration_run, statement)
        decision = earlier.assess(started)
        if decision.unknown_reason and not retry:
            raise statement_errors.unknown_outcome(self.migration_run, self.statement, decision)
        earlier.drop_leftovers(started, decision)
        return decision

    def assess(self, started: StartedStatement) -> RecoveryDecision:
        """Return what the catalog shows of a started statement.

        Raises MigrationFailed, so that the caller retries, while another session works on the
        same object.
        """
        settings = partial(self.migration_run.apply_started_settings, started)
        decision = assess(self.migration_run.session, self.statement, started, settings)
        if decision.in_use:
            raise statement_errors.index_in_use(self.migration_run, self.statement, decision.in_use)
        return decision

    def drop_leftovers(self, started: StartedStatement, decision: RecoveryDecision) -> None:
        """Drop the objects that an interrupted statement left and that are known to be its own."""
        run = self.migration_run
        settings = partial(run.apply_started_settings, started)
        for cleanup in decision.cleanup_sql:
            self.prepare_session(settings)
            run.context.options.on_event(LeftoverDropped(run.migration, cleanup))
            run_cleanup(run.session, cleanup)
            reset_session(run.session)
            run.append(run.new_entry("leftover_dropped", self.statement, statement=cleanup))

    def _existing_index_suffices(self, started: StartedStatement) -> bool:
        """Return whether an existing index makes the statement unnecessary; if so, journal it.

        With IF NOT EXISTS, a valid index with the definition of the statement suffices, and an
        invalid one is dropped. Raises DecisionRequired for any other relation of that name, and
        always without IF NOT EXISTS.
        """
        run, statement = self.migration_run, self.statement
        if not statement.if_not_exists:
            raise statement_errors.index_exists(run, statement, started.catalog_before)
        decision = self.assess(replace(started, catalog_before={}))
        if decision.unknown_reason:
            raise statement_errors.index_exists(run, statement, started.catalog_before)
        self.drop_leftovers(started, decision)
        if decision.done:
            notice = statement_errors.diagnostic(
                run,
                statement,
                f"the index {started.catalog_before['index']} exists already, is valid and has the "
                "definition of the statement; skipping",
            )
            notice = replace(notice, severity="NOTICE", sqlstate=sqlstate.DUPLICATE_TABLE)
            run.context.options.on_event(ServerNotice(run.migration, notice))
            entry = run.new_entry(
                "statement_done", statement, index=decision.index, passed_over=True
            )
            run.append(entry)
        return decision.done

    def skip(self, progress: IncompleteMigration) -> None:
        """Mark the statement as done without running it, as the user decided.

        Raises MigrationFailed if its index is invalid.
        """
        run, statement = self.migration_run, self.statement
        index = self.check_created_index()
        started = self.started_in(progress)
        if started is not None and statement.kind is ExecutionKind.REINDEX:
            self.recover(started)  # a REINDEX leaves its transient index beside the old one
        run.append(run.new_entry("statement_skipped", statement, index=index))
        event = StatementSkipped(run.migration, statement.number, statement.text)
        run.context.options.on_event(event)

    def check_created_index(self) -> int | None:
        """Return the oid of the index that the statement created, or None.

        Raises MigrationFailed if the index is invalid.
        """
        created = created_index(self.migration_run.session, self.statement, self._apply_settings)
        if created is None:
            return None
        oid, invalid_name = created
        if invalid_name:
            raise statement_errors.invalid_index(self.migration_run, self.statement, invalid_name)
        return oid

    def journal_failure(
        self, progress: IncompleteMigration, error: MigrationFailed
    ) -> MigrationFailed:
        """Journal an error and the invalid index that the statement left; add it to the detail.

        Returns the error. A DecisionRequired is returned as it is.
        """
        run, diagnostic = self.migration_run, error.diagnostic
        leftover: tuple[int, str] | None = None
        if isinstance(error, DecisionRequired):
            return error
        with suppress(PgbraidError), translate_errors(run.session):
            roll_back(run.session)
            reset_session(run.session)
            current = run.read_progress(progress)
            started = self.started_in(current) if current else None
            leftover = self._leftover_index(started, diagnostic.sqlstate)
            left = {"left": leftover[0]} if leftover else {}
            entry = run.new_entry("failed", self.statement, **_cause(error), **left)
            run.append(run.context.with_waits(entry, run.migration.version))
        invalid = f"It left the index {leftover[1]} invalid." if leftover else ""
        lines = (diagnostic.detail, invalid)
        detail = "\n".join(line for line in lines if line)
        error.explain(detail, diagnostic.hint or run.resume_hint)
        return error

    def _leftover_index(
        self, started: StartedStatement | None, code: str | None
    ) -> tuple[int, str] | None:
        """Return the oid and name of the invalid index that the failed statement left."""
        existed = started is None or started.catalog_before.get("index") is not None
        if existed or code == sqlstate.DUPLICATE_TABLE:
            return None
        created = created_index(self.migration_run.session, self.statement, self._apply_settings)
        return (created[0], created[1]) if created and created[1] else None


def _cause(error: MigrationFailed) -> dict[str, str | None]:
    return {"sqlstate": error.diagnostic.sqlstate, "message": error.diagnostic.message}
