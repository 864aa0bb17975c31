"""Compares the recorded checksums with the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgbraid.model.migration import is_digest
from pgbraid.model.results import ModificationKind, ModifiedFile
from pgbraid.postgres.ledger import journal
from pgbraid.source.content import LargeFileReader, decode, is_large, read_script
from pgbraid.source.text_changes import classify_modification, unified_diff
from pgbraid.sql import checksum

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.model.migration import Migration, MigrationSet
    from pgbraid.model.plan import LedgerState
    from pgbraid.postgres.client.session import Session

__all__ = ["modified_files"]


def modified_files(
    session: Session, migrations: MigrationSet, state: LedgerState
) -> Iterator[ModifiedFile]:
    """Yield the applied files that differ from the recorded checksum in more than line ends.

    The journal's text, if it has the recorded checksum, shows the kind of change.
    """
    files = {m.version: m for m in migrations.migrations}
    changed = [
        (files[row.version], row.checksum)
        for row in state.applied
        if row.checksum
        and is_digest(row.checksum)
        and row.version in files
        and files[row.version].checksum != row.checksum
    ]
    suspects = [(m, recorded) for m, recorded in changed if not _same_lines(m, recorded)]
    texts = journal.read_texts(session, (m.version for m, _ in suspects)) if suspects else {}
    for migration, recorded in suspects:
        journaled = texts.get(migration.version)
        # Another program may have changed the row since: then the journal has another text.
        if journaled is not None and journaled.checksum != recorded:
            journaled = None
        if is_large(migration):
            digest_lf = LargeFileReader(migration).read_digest_lf()
            if journaled is None or journaled.digest_lf != digest_lf:
                yield ModifiedFile(migration, recorded, ModificationKind.UNKNOWN)
            continue
        now = decode(read_script(migration)[0])
        if journaled is not None and journaled.digest_lf == checksum.digest_lf(now):
            continue
        text = journaled.text if journaled else None
        kind = classify_modification(text, now)
        if kind is not None:
            diff = None if text is None else unified_diff(text, now, migration.file)
            yield ModifiedFile(migration, recorded, kind, diff)


def _same_lines(file: Migration, recorded: str) -> bool:
    """Whether the checksums show that a text differs from the recorded one at most in line ends."""
    if is_large(file):
        return LargeFileReader(file).read_digest_lf() == recorded
    return checksum.same_but_line_ends(recorded, read_script(file)[0])
