"""A file that runs in pieces, where the journal says it stands, and what is said where it stops."""

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
from pgbraid.sql.classify import ExecutionKind, if_not_exists_of
from pgbraid.sql.parser import parse
from pgbraid.sql.script import line_at
from pgbraid.sql.secrets import mask, secrets_in
from pgbraid.sql.stream import ScriptPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pgbraid.migrate.execution.transactional import RunContext
    from pgbraid.model.incomplete import CompletedStatement, StartedStatement
    from pgbraid.model.migration import Migration
    from pgbraid.sql.classify import ScriptStatement
    from pgbraid.sql.script import Script

__all__ = [
    "DecisionRequired",
    "JournalLost",
    "NonTransactionalRun",
    "as_migration_error",
    "index_exists_error",
    "resume_hint",
    "started_detail",
    "statement_diagnostic",
    "unknown_outcome_error",
]


class DecisionRequired(MigrationFailed):
    """A statement was not run, as a person has to look first."""


class JournalLost(MigrationFailed):
    """The journal no longer has what was known to be through."""


@dataclass(frozen=True, slots=True)
class NonTransactionalRun:
    """One file on its way."""

    run: RunContext
    migration: Migration
    script: Script
    name: str
    entry: journal.JournalEntry
    statements: tuple[ScriptStatement, ...]

    def new_entry(
        self,
        event: str,
        of: ScriptStatement | StartedStatement | CompletedStatement | None = None,
        **detail: Any,  # noqa: ANN401 - JSON
    ) -> journal.JournalEntry:
        """Return a line of the journal, of the whole file or of one statement."""
        if of is not None:
            detail |= {"statement_number": of.number, "sha256": of.digest}
        own = self.migration
        return journal.JournalEntry(
            self.run.run_id, event, own.version, own.name, checksum=own.checksum, detail=detail
        )

    def append(self, entry: journal.JournalEntry, *, unfinished: bool = False) -> None:
        """Write a line of the journal, which somebody may have locked for a while.

        With ``unfinished`` the tracker's comment notes the version in the same transaction, so
        that a journal which loses its lines does not make the file begin a second time.
        """

        def record() -> None:
            with transaction(self.run.session):
                journal.append(self.run.session, entry)
                if unfinished:
                    mark_unfinished(self.run.session, self.migration.version, unfinished=True)

        retry_on_lock_timeout(self.run, self.migration, record)

    def begin(self) -> IncompleteMigration | None:
        """Return where the file stands; write that it is begun where it is not.

        None where it is applied.
        """
        incomplete = self.read()
        if incomplete is None and record.is_applied(self.run.session, self.migration.version):
            return None
        if incomplete is not None:
            self._check(incomplete)
            return incomplete
        self.append(self._started(), unfinished=True)
        return IncompleteMigration(
            self.migration.version, self.migration.name, len(self.statements), journal_lines=1
        )

    def read_progress(self, known: IncompleteMigration) -> IncompleteMigration | None:
        """Return where a file that was begun stands now; None where another run has finished it.

        Raises MigrationFailed where the journal has lost what was ``known``, or where another
        run went on with another version of the file. It only reads.
        """
        incomplete = self.read()
        if incomplete is None and record.is_applied(self.run.session, self.migration.version):
            return None
        if incomplete is None or not set(known.completed) <= set(incomplete.completed):
            raise self._lost(known)
        self._check(incomplete)
        return incomplete

    def restore_progress(
        self, known: IncompleteMigration, *, then: IncompleteMigration | None = None
    ) -> IncompleteMigration | None:
        """Return what :meth:`read_progress` does; where the journal has lost some, write it again.

        What is written is what is so ``then``, if that is more than what is ``known``. Raises
        :class:`JournalLost` where it was lost.
        """
        try:
            return self.read_progress(known)
        except JournalLost:
            self._restore(then or known)
            raise

    def _restore(self, known: IncompleteMigration) -> None:
        """Write again what the journal has lost, so that what is through stays through."""
        self.append(self._started(), unfinished=True)
        for through in known.completed:
            self.append(
                self.new_entry("statement_done", through, index=through.index_oid, restored=True)
            )
        for begun in known.started:
            self.append(
                self.new_entry("statement_started", begun, restored=True, **started_detail(begun))
            )

    def _started(self) -> journal.JournalEntry:
        entry = self.new_entry("started", statements=len(self.statements))
        return replace(entry, text=self.entry.text)

    def read(self) -> IncompleteMigration | None:
        """Return what the journal says of the file now, if it was begun."""
        incomplete_migrations = {
            incomplete.version: incomplete for incomplete in read_incomplete(self.run.session)
        }
        return incomplete_migrations.get(self.migration.version)

    def _check(self, incomplete: IncompleteMigration) -> None:
        """Refuse to go on where what is through is not what the file says."""
        own = {statement.number: statement.digest for statement in self.statements}
        other = next((t for t in incomplete.completed if own.get(t.number) != t.digest), None)
        if other is not None:
            said = self.said(
                f"statement {other.number} was run from another version of this file",
                "Another run has gone on with it meanwhile.",
                "Run `pgbraid status`, then `pgbraid up` with the files that the other run had.",
            )
            raise MigrationFailed(self.migration, said)

    def _lost(self, known: IncompleteMigration) -> JournalLost:
        journal = self.run.session.ledger.journal
        said = self.said(
            f"the lines of {self.migration.label} in {journal} are gone",
            f"{len(known.completed)} of its {len(self.statements)} statements were through by "
            "them; the journal is what tells that.",
            "Take what empties the journal out of the file, then run `pgbraid up` again.",
        )
        return JournalLost(self.migration, said)

    def not_kept(self, statement: ScriptStatement) -> MigrationFailed:
        """Return the error of a statement that ran, whose line the journal does not show."""
        journal = self.run.session.ledger.journal
        said = self.said(
            f"statement {statement.number} of {self.migration.label} ran, and its line in "
            f"{journal} cannot be read back",
            "To go on would run it a second time. Something changes the journal, or gives its new "
            "lines ids below the old ones.",
            f"Look at {journal}; then `pgbraid resume {self.migration.version} --skip "
            f"{statement.number}` goes on behind this statement.",
        )
        return MigrationFailed(self.migration, said)

    def said(self, message: str, detail: str | None, hint: str) -> Diagnostic:
        """Return what is said of the whole file."""
        place = Location(self.migration.path)
        return Diagnostic(
            "ERROR",
            message,
            sqlstate.OBJECT_NOT_IN_PREREQUISITE_STATE,
            detail,
            hint,
            location=place,
        )

    def part(self, statement: ScriptStatement) -> ScriptPart:
        """Return one statement as a text of its own, at its place in the file.

        The server is not told IF NOT EXISTS of a concurrent index: it would pass over whatever
        has the name by then, also an index that is not valid.
        """
        hidden = if_not_exists_of(self.script, statement)
        return ScriptPart(replace(self.script, statements=(statement.statement,), hidden=hidden))

    def make_settings(self, statement: ScriptStatement) -> None:
        """Make the settings that the file makes before a statement."""
        self._make(self.part(setting) for setting in statement.settings)

    def make_settings_of(self, begun: StartedStatement) -> None:
        """Make the settings under which a statement was begun, which the file may lack now."""
        self._make(ScriptPart(parse(text)) for text in begun.settings)

    def _make(self, parts: Iterable[ScriptPart]) -> None:
        for part in parts:
            run_segments(self.run.session, self.migration, (part,))

    def place_of(self, through: CompletedStatement) -> ScriptStatement | None:
        """Return the statement that is through, as the file has it."""
        return next((p for p in self.statements if p.number == through.number), None)


def started_detail(begun: StartedStatement) -> dict[str, Any]:
    """Return what the journal is told of a statement that is begun."""
    return {
        "kind": begun.kind,
        "command": begun.command,
        "text": begun.text,
        "settings": list(begun.settings),
        "before": dict(begun.catalog_before),
    }


def as_migration_error(file: NonTransactionalRun, attempt: Callable[[], None]) -> None:
    """Make an attempt; what the server refuses is the migration's failure.

    The session is clean behind it. Raises MigrationFailed.
    """
    session = file.run.session
    try:
        with translate_errors(session):
            attempt()
    except ServerError as error:
        said = error.diagnostic or Diagnostic("ERROR", error.message, detail=error.detail)
        place = Location(file.migration.path)
        said = replace(said, location=place, raced=False)
        failed = MigrationFailed(file.migration, said, incomplete=False)
    except MigrationFailed as error:
        error.diagnostic = replace(error.diagnostic, raced=False)  # no rollback took it back
        failed = error
    else:
        return
    with translate_errors(session):
        roll_back(session)
        reset_session(session)
    raise failed from None


def resume_hint(file: NonTransactionalRun) -> str:
    """Return the hint that names how a file is gone on with."""
    return (
        "Mend what is wrong; then `pgbraid up`, or `pgbraid resume "
        f"{file.migration.version}` for this one alone, goes on with this statement."
    )


def unknown_outcome_error(
    file: NonTransactionalRun, statement: ScriptStatement, reason: str
) -> DecisionRequired:
    """Return the error of a statement of which only a person can tell whether it was done."""
    resume = f"`pgbraid resume {file.migration.version}"
    number = statement.number
    index = statement.kind is ExecutionKind.CREATE_INDEX
    said = statement_diagnostic(
        file,
        statement,
        f"whether this statement was done is not known: {reason}",
        hint=f"Look. Drop or rename that index, then {resume}`; or, if it will do, {resume} --skip "
        f"{number}`."
        if index
        else f"Look. If it was done, {resume} --skip {number}` goes on behind it; if not, {resume} "
        f"--retry {number}` runs it again.",
    )
    return DecisionRequired(file.migration, said)


def index_exists_error(
    file: NonTransactionalRun, statement: ScriptStatement, before: Mapping[str, Any]
) -> DecisionRequired:
    """Return the error of what had an index's name before the statement was begun."""
    resume = f"`pgbraid resume {file.migration.version}"
    index = before.get("what") == "index"
    valid = index and before.get("valid")
    also = f"If it is this one, {resume} --skip {statement.number}`; else drop" if valid else "Drop"
    state = ", and not valid" if index and not valid else ""
    other = (
        ", and is not known to be what this statement makes" if statement.if_not_exists else state
    )
    said = statement_diagnostic(
        file,
        statement,
        f"the {before.get('what')} {before.get('index')} is there already{other}",
        detail="It was there before this statement was begun, so it is left as it is.",
        hint=f"{also} or rename it, then {resume}`.",
    )
    return DecisionRequired(file.migration, replace(said, sqlstate=sqlstate.DUPLICATE_TABLE))


def statement_diagnostic(
    file: NonTransactionalRun,
    statement: ScriptStatement,
    message: str,
    *,
    hint: str | None = None,
    detail: str | None = None,
) -> Diagnostic:
    """Return what is said of a statement, with its place in the file."""
    start = min(statement.statement.start, len(file.script.text))
    excerpt, _ = line_at(file.script.text, start)
    location = Location(file.migration.path, *file.script.place(start))
    return Diagnostic(
        "ERROR",
        message,
        sqlstate=sqlstate.OBJECT_NOT_IN_PREREQUISITE_STATE,
        detail=detail,
        hint=hint,
        location=location,
        excerpt=mask(excerpt, secrets_in(file.script.text)),
    )
