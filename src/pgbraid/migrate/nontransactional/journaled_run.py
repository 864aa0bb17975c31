"""The run of one non-transactional migration, and its progress in the journal.

Only the journal records which statements were completed. So after the start, each read compares it
with the progress read before: without its line, a completed statement would run a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pgbraid.migrate.execution.lock_retry import retry_on_lock_timeout
from pgbraid.model import sqlstate
from pgbraid.model.errors import MigrationFailed, ServerError
from pgbraid.model.incomplete import IncompleteMigration
from pgbraid.model.migration import Diagnostic, Location
from pgbraid.postgres.client.server_errors import translate_errors
from pgbraid.postgres.client.session import reset_session
from pgbraid.postgres.ledger import journal, record
from pgbraid.postgres.ledger.agreement import mark_unfinished
from pgbraid.postgres.ledger.incomplete import read_incomplete
from pgbraid.postgres.transaction.boundaries import roll_back, transaction
from pgbraid.postgres.transaction.script_runner import run_segments
from pgbraid.sql.classify import if_not_exists_of
from pgbraid.sql.parser import parse
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.incomplete import CompletedStatement, StartedStatement
    from pgbraid.model.migration import Migration
    from pgbraid.postgres.client.session import Session
    from pgbraid.sql.classify import ScriptStatement
    from pgbraid.sql.script import Script

__all__ = ["DecisionRequired", "JournalLost", "NonTransactionalRun"]


class DecisionRequired(MigrationFailed):
    """The outcome of a statement is unknown, so the user has to decide before it runs again."""


class JournalLost(MigrationFailed):
    """The journal has lost lines of statements that are known to be completed."""


@dataclass(frozen=True, slots=True)
class NonTransactionalRun:
    """The run of one non-transactional migration; its statements are numbered from 1."""

    context: RunContext
    migration: Migration
    script: Script
    name: str
    entry: journal.JournalEntry
    statements: tuple[ScriptStatement, ...]

    @property
    def session(self) -> Session:
        """The session that runs the statements."""
        return self.context.session

    def new_entry(
        self,
        event: str,
        of: ScriptStatement | StartedStatement | CompletedStatement | None = None,
        **detail: Any,  # noqa: ANN401 - JSON
    ) -> journal.JournalEntry:
        """Return a journal entry of the migration, or of one statement."""
        if of is not None:
            detail |= {"statement_number": of.number, "sha256": of.digest}
        migration = self.migration
        return journal.JournalEntry(
            self.context.run_id,
            event,
            migration.version,
            migration.name,
            checksum=migration.checksum,
            detail=detail,
        )

    def append(self, entry: journal.JournalEntry, *, unfinished: bool = False) -> None:
        """Write a journal entry and commit it; retry if another session has locked the journal.

        With ``unfinished``, the same transaction notes the version in the comment of the applied
        set. So the next run does not start the migration again if the journal has lost its lines.
        """

        def write() -> None:
            with transaction(self.session):
                journal.append(self.session, entry)
                if unfinished:
                    mark_unfinished(self.session, self.migration.version, unfinished=True)

        retry_on_lock_timeout(self.context, self.migration, write)

    def begin(self) -> IncompleteMigration | None:
        """Return the progress of the migration; journal its start if it has none.

        Returns None if the migration is applied. Raises MigrationFailed if a completed statement
        differs from the statement with its number in the file.
        """
        progress = self.read()
        if progress is None and self._is_applied():
            return None
        if progress is not None:
            self._check(progress)
            return progress
        self.append(self._started(), unfinished=True)
        return IncompleteMigration(
            self.migration.version, self.migration.name, len(self.statements), journal_lines=1
        )

    def read_progress(self, earlier: IncompleteMigration) -> IncompleteMigration | None:
        """Return the present progress, or None if another run has finished the migration.

        Writes nothing. Raises JournalLost if the journal lacks a completed statement of
        ``earlier``, and MigrationFailed if another run continued with another version of the file.
        """
        progress = self.read()
        if progress is None and self._is_applied():
            return None
        if progress is None or not set(earlier.completed) <= set(progress.completed):
            raise self._journal_lost(earlier)
        self._check(progress)
        return progress

    def restore_progress(
        self, earlier: IncompleteMigration, *, then: IncompleteMigration | None = None
    ) -> IncompleteMigration | None:
        """Like :meth:`read_progress`, but write lost journal lines before raising JournalLost.

        The lines of ``then`` are written if it is given, else those of ``earlier``.
        """
        try:
            return self.read_progress(earlier)
        except JournalLost as error:
            self._restore(then or earlier)
            if then is not None:  # a removed statement would count as a changed completed one
                error.explain(
                    error.detail,
                    "The statement that deleted them is completed: keep it in the file, and run "
                    "`pgbraid up` again.",
                )
            raise

    def _restore(self, progress: IncompleteMigration) -> None:
        self.append(self._started(), unfinished=True)
        for statement in progress.completed:
            index = statement.index_oid
            self.append(self.new_entry("statement_done", statement, index=index, restored=True))
        for started in progress.started:
            self.append(self.started_entry(started, restored=True))

    def _started(self) -> journal.JournalEntry:
        entry = self.new_entry("started", statements=len(self.statements))
        return replace(entry, text=self.entry.text)

    def started_entry(
        self,
        started: StartedStatement,
        **detail: Any,  # noqa: ANN401 - JSON
    ) -> journal.JournalEntry:
        """Return the journal entry of a statement that is about to run."""
        return self.new_entry(
            "statement_started",
            started,
            kind=started.kind,
            command=started.command,
            text=started.text,
            settings=list(started.settings),
            before=dict(started.catalog_before),
            **detail,
        )

    def read(self) -> IncompleteMigration | None:
        """Return the progress that the journal has of the migration, or None."""
        version = self.migration.version
        return next((i for i in read_incomplete(self.session) if i.version == version), None)

    def _is_applied(self) -> bool:
        return record.is_applied(self.session, self.migration.version)

    def _check(self, progress: IncompleteMigration) -> None:
        """Raise MigrationFailed if a completed statement differs from the one in the file."""
        digests = {statement.number: statement.digest for statement in self.statements}
        wrong = next((c for c in progress.completed if digests.get(c.number) != c.digest), None)
        if wrong is not None:
            raise self.failed(
                f"statement {wrong.number} was run with another text than in this file",
                "Another run continued the migration in the meantime.",
                "Run `pgbraid status`, then `pgbraid up` with the files of the other run.",
            )

    def _journal_lost(self, known: IncompleteMigration) -> JournalLost:
        table = self.session.ledger.journal
        diagnostic = self.diagnostic(
            f"lines of {self.migration.label} in {table} were deleted during the run",
            f"They record {len(known.completed)} of its {len(self.statements)} statements as "
            "completed. pgbraid keeps or restores lines that a statement of the file deletes.",
            "Remove the statement that deletes journal lines from the file, then run `pgbraid up` "
            "again.",
        )
        return JournalLost(self.migration, diagnostic)

    def journal_unreadable(self, statement: ScriptStatement) -> MigrationFailed:
        """Return the error of a completed statement whose journal line cannot be read back."""
        table = self.session.ledger.journal
        return self.failed(
            f"statement {statement.number} of {self.migration.label} ran, but its line in "
            f"{table} cannot be read back",
            "A further run would repeat the statement. A trigger or a rule changes the journal, or "
            "its new lines get ids below the old ones.",
            f"Check {table}; then `pgbraid resume {self.migration.version} --skip "
            f"{statement.number}` continues after this statement.",
        )

    def failed(self, message: str, detail: str | None, hint: str) -> MigrationFailed:
        """Return an error of the whole migration."""
        return MigrationFailed(self.migration, self.diagnostic(message, detail, hint))

    def diagnostic(self, message: str, detail: str | None, hint: str) -> Diagnostic:
        """Return a diagnostic of the whole migration."""
        return Diagnostic(
            "ERROR",
            message,
            sqlstate.OBJECT_NOT_IN_PREREQUISITE_STATE,
            detail,
            hint,
            location=Location(self.migration.path),
        )

    @property
    def resume_hint(self) -> str:
        """The hint that names the commands which continue the migration."""
        return (
            "Fix the cause; then `pgbraid up`, or `pgbraid resume "
            f"{self.migration.version}` for this migration only, continues with this statement."
        )

    def part(self, statement: ScriptStatement) -> ScriptPart:
        """Return one statement as a script of its own, with its place in the file.

        IF NOT EXISTS of a concurrent index is hidden from the server. With IF NOT EXISTS, the
        server would skip the statement if another session has created an index of that name since,
        even an invalid one.
        """
        hidden = if_not_exists_of(self.script, statement)
        return ScriptPart(replace(self.script, statements=(statement.statement,), hidden=hidden))

    def apply_settings(self, statement: ScriptStatement) -> None:
        """Run the SET statements that precede a statement in the file."""
        self._run_parts(self.part(setting) for setting in statement.settings)

    def apply_started_settings(self, started: StartedStatement) -> None:
        """Run the SET statements with which a statement was started; the file may have changed."""
        self._run_parts(ScriptPart(parse(text)) for text in started.settings)

    def _run_parts(self, parts: Iterable[ScriptPart]) -> None:
        for part in parts:
            run_segments(self.session, self.migration, (part,))

    def statement_of(self, completed: CompletedStatement) -> ScriptStatement | None:
        """Return the statement of the file with the number of a completed statement."""
        return next((s for s in self.statements if s.number == completed.number), None)

    def attempt(self, action: Callable[[], None]) -> None:
        """Call ``action``; an error of the server becomes the failure of the migration.

        The session is reset after an error. Raises MigrationFailed.
        """
        try:
            with translate_errors(self.session):
                action()
        except ServerError as error:
            hint = None if error.hint == ServerError.default_hint else error.hint
            diagnostic = error.diagnostic or Diagnostic(
                "ERROR", error.message, detail=error.detail, hint=hint
            )
            place = Location(self.migration.path)
            diagnostic = replace(diagnostic, location=place, raced=False)
            failure = MigrationFailed(self.migration, diagnostic, incomplete=False)
        except MigrationFailed as error:
            # A retry is safe only after a rollback, and this statement may have no transaction.
            error.diagnostic = replace(error.diagnostic, raced=False)
            failure = error
        else:
            return
        with translate_errors(self.session):
            roll_back(self.session)
            reset_session(self.session)
        raise failure from None
