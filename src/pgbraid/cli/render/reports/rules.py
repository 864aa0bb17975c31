"""Describes each kind of problem in a few words, as ``docs/json.md`` does."""

from __future__ import annotations

__all__ = ["DESCRIPTIONS", "description_of"]

DESCRIPTIONS = {
    "duplicate_version": "two files have the same version",
    "name_collision": "names differ only in case or in Unicode normalization",
    "unreadable": "the file cannot be read",
    "link_outside": "a symbolic link leads out of the folder",
    "invalid_utf8": "text or name is not UTF-8",
    "utf16": "the file is UTF-16",
    "nul_byte": "the file has a NUL byte",
    "version_out_of_range": "the version is out of range for bigint",
    "down_without_up": "a down file has no migration of its version and name",
    "near_miss": "the file name is almost that of a migration",
    "no_migrations": (
        "the folder has no migrations: an error if it has files with almost valid names, or"
        " folders of another tool"
    ),
    "replaces_wrong": "a baseline does not replace its own version, or replaces a higher one",
    "replaces_existing": "a baseline replaces a version that has a file",
    "replaces_twice": "two baselines replace the same version",
    "below_baseline": "a migration is below a baseline that does not replace it",
    "empty": "the file has no statement",
    "unterminated": "a quote or comment has no end",
    "invisible_character": (
        "an invisible character outside quotes and comments, such as a no-break space or a "
        "byte-order mark"
    ),
    "down_section": "a down section of another tool without an up section",
    "tool_feature": "a mark by which another tool changes the text, such as goose's `ENVSUB`",
    "unknown_directive": (
        "a `-- pgbraid:` directive that is unknown, wrong, or after the first statement"
    ),
    "meta_command": "a psql meta-command",
    "copy_to_stdout": "COPY to the client",
    "copy_data": "text after `COPY … FROM stdin` on the same line",
    "changed_during_run": "the file changed during the run",
    "transaction_control": "the file begins or ends a transaction",
    "transaction_mode": (
        "a BEGIN around the file, or SET TRANSACTION, requests another mode than that of "
        "the transaction"
    ),
    "needs_no_transaction": (
        "a statement that cannot run in a transaction block, such as `CREATE INDEX "
        "CONCURRENTLY`, in a file without `no-transaction`"
    ),
    "forbidden": "DISCARD ALL, which releases the migration lock",
    "parsing_setting": (
        "SET of `client_encoding` or `standard_conforming_strings`, which changes how the "
        "file is parsed"
    ),
    "search_path_default": (
        "ALTER DATABASE, or ALTER ROLE of all roles or the current one, sets `search_path`;"
        " it takes effect with the next connection"
    ),
    "isolation_unused": (
        "SET of a default isolation level, which has no effect in the begun transaction"
    ),
    "unnamed_index": "non-transactional: a concurrent index without a name",
    "escaped_index_name": 'non-transactional: a concurrent index with a name written as `U&"…"`',
    "setting_lost": (
        "non-transactional: `set_config` or an UPDATE of `pg_settings`, which would apply "
        "only to its own statement"
    ),
    "large_no_transaction": "non-transactional: a file above 1 MB",
    "modified": "the file changed after it was applied",
    "modified_comments": "only comments or white space of the file changed",
    "renamed": "the name of the file differs from the recorded one",
    "version_taken": (
        "name and text differ from the recorded ones: another migration has the version of "
        "an applied one"
    ),
    "renumbered": (
        "the file of an applied version is gone, and its text (or, of an adopted version without a"
        " checksum, its name) is in the file of another version"
    ),
    "missing_file": "applied, but no file here",
    "squash_incomplete": "the database has only a part of the versions that a baseline replaces",
    "foreign_checksum": "a recorded checksum is not a sha256",
    "pending": "in `check`: not applied",
    "gap": "in `check`: not applied, and a higher version is",
    "gap_refused": "a migration is out of order, and `gaps` is `refuse`",
    "incomplete": "in `check`: a non-transactional migration started and did not finish",
    "incomplete_changed": (
        "the completed statements of an incomplete file, or settings before them, were changed"
    ),
    "incomplete_above": "an incomplete migration is above `--to`",
    "incomplete_missing": "an incomplete migration has no file",
    "incomplete_lost": (
        "a non-transactional migration was started, and the journal has no line for it"
    ),
    "applied_rows_missing": "the journal records versions as applied that the applied set lacks",
    "applied_rows_outdated": (
        "the journal records versions as undone or unadopted that the applied set has"
    ),
    "ledger_emptied": "applied set and journal are empty, and were not before",
    "journal_missing": "the applied set has rows, and there is no journal",
    "other_ledger": (
        "another table of the database records these migrations as applied, and the applied"
        " set is empty"
    ),
    "database_not_empty": "the ledger is empty, and the database has tables",
    "made_elsewhere": (
        'with `ledgers = "many"`: the migrations created nothing in the schema of their ledger'
    ),
    "foreign_owner": "another role, not a superuser, owns the applied set or the journal",
    "ledger_writable": "another role, not a superuser, may write to the applied set or the journal",
    "schema_writable": "the ledger was created in a schema where other roles may create objects",
    "not_adopted": "in `check`: applied by another tool, and not adopted yet",
    "adopted_before": "`--not-applied` for a version that is adopted already",
    "tracker_dirty": "the other tool did not complete a migration, or its run of it failed",
    "tracker_ambiguous": (
        "the table of golang-migrate or tern has several rows, or that of Sqitch several projects; "
        "a row lacks a value that the tool always writes; the database has several trackers; or, "
        "in `convert`, two files have one version"
    ),
    "tracker_locked": "the other tool is running, or was killed",
    "tracker_version_without_file": "a version that the other tool has applied has no file",
    "tracker_name_differs": "the other tool has applied a file of another name under the version",
    "tracker_checksum": (
        "in `adopt`: the file is not the text that the other tool has applied, by its checksum, or"
        " it was edited after its conversion"
    ),
    "tracker_squash_incomplete": (
        "the other tool has applied only a part of the versions that a baseline replaces"
    ),
    "tracker_graph_hole": (
        "in `convert`: a migration follows one that no file has, or the migrations form a circle"
    ),
    "tracker_file_unreadable": "in `convert`: a file of the other tool cannot be read",
    "not_expressible": ("in `export`: the table of the other tool cannot express the applied set"),
    "origin_unreadable": "`pgbraid.origin.json` is not the file that `convert` wrote",
    "tracker_found": "the applied set is empty, and the tracker of another tool has rows",
    "tracker_used_since": (
        "the adopted tool has applied a pending migration after its history was adopted"
    ),
    "tracker_ignored": (
        "with `adopt` false: the applied set is empty, and the tracker of another tool has rows"
    ),
    "tracker_unknown": "a table has the name of another tool's table, rows, and other columns",
    "allowed_nothing": "an allow-hazard directive allows no finding of `lint`",
    "allowed_unknown": "an allow-hazard directive names a rule that does not exist",
    "base_edited": "this branch changes a migration of the base",
    "base_comments_edited": (
        "this branch changes a migration of the base, only in comments, white space or the "
        "case of words"
    ),
    "base_renamed": "this branch gives a migration of the base another name",
    "base_renumbered": "this branch gives a migration of the base another version",
    "base_replaced": "this branch gives a version of the base to another migration",
    "base_deleted": "this branch deletes a migration of the base",
    "base_squashed": "this branch replaces migrations of the base by a baseline",
    "base_squash_ahead": "a baseline of this branch replaces versions that the base does not have",
    "base_empty": "the base has no migrations of this folder",
    "base_gap": "a new migration has a version below migrations of the base",
    "not_commuting": "with `--prove`: this migration and one of the base do not commute",
    "orders_differ": (
        "with `--prove`: the results of the two orders differ, and no pair of migrations is named"
    ),
    "not_proven": "with `--prove`: no proof could be made",
    "unverified_server": "the connection does not verify the server",
    "password_shown": "the command line contains a password",
    "password_readable": "other users may read the file of `--env-file`, and it has a password",
    "untrusted_settings": (
        "a settings file is ignored, because another user owns it or can write to it"
    ),
    "role_provided": "on an embedded server, a missing role was created",
    "statement_skipped": "`resume --skip` marked a statement as done without running it",
    "sum_missing": "in `check --sum`: there is no `pgbraid.sum`",
    "sum_changed": "in `check --sum`: the checksum of the file differs from the listed one",
    "sum_unlisted": "in `check --sum`: the file is not listed",
    "sum_gone": "in `check --sum`: a listed file is not a migration of the folder",
    "sum_unreadable": "in `check --sum`: `pgbraid.sum`, or its line at `location`, cannot be read",
}
"""By code. A test compares them with the tables of the document."""


def description_of(code: str) -> str:
    """Return a short description of a kind of problem."""
    if "-" in code or code in {"rewrite", "truncate", "cascade", "stricter", "fails"}:
        from pgbraid.hazards.rules.catalogue import RULES

        titles = {rule.id: rule.title for rule in RULES}
        return titles.get(code, code)
    return DESCRIPTIONS.get(code, code.replace("_", " "))
