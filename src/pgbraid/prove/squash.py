"""``squash``: replaces the migrations up to a version by one file, proven to give the same result.

====================================  ==========================================================
step                                  module
====================================  ==========================================================
replay the migrations                 ``replay/``, as ``prove`` does
dump the result                       ``postgres/scratch/dump.py``: PostgreSQL's own pg_dump
make the text of the baseline         ``sql/dump_text.py``; the roles that the migrations made
replay the baseline, and compare      ``comparison/``: catalogs and rows
replay the migrations once more       finds values that the baseline freezes
replace the files                     ``squash_files.py``: all or nothing
====================================  ==========================================================
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, ProblemsFound, ServerError
from pgbraid.model.events import ReplayStarted
from pgbraid.model.proof import Squash
from pgbraid.postgres.catalog.spelling import quoted
from pgbraid.postgres.ledger.history import plain_role
from pgbraid.postgres.scratch.cluster_state import differences
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.postgres.scratch.dump import find_dumper
from pgbraid.postgres.scratch.made_roles import (
    database_facts,
    role_statements,
    roles_with_password,
)
from pgbraid.prove.comparison.compare_results import changing_values, compare_kept
from pgbraid.prove.comparison.without_effect import split_by_effect
from pgbraid.prove.inputs import refuse_problems
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.prove.squash_files import check_files, deleted_files, replace_files
from pgbraid.source.content import check_scripts, read_prelude
from pgbraid.source.filenames import same_migration_name, slug
from pgbraid.source.loader import load_migrations
from pgbraid.sql.dump_text import dump_statements, without_statements
from pgbraid.sql.replaced_versions import format_replaced, is_plain_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.model.proof import ReplayFailure
    from pgbraid.postgres.scratch.cluster_state import Cluster
    from pgbraid.postgres.scratch.dump import Dumper
    from pgbraid.prove.replay.replayer import KeptReplay

__all__ = ["SquashRequest", "squash_migrations"]

_MOST_REPLAYS = 3
_NO_SEARCH_PATH = "SELECT pg_catalog.set_config('search_path', '', false);\n\n"
"""A statement of each dump. All names in a dump are qualified, except in bodies of functions."""


@dataclass(frozen=True, slots=True)
class SquashRequest:
    """The highest version to replace, and the name of the baseline.

    With ``dry_run`` nothing is written; with ``force``, files that git could not restore are
    deleted, too.
    """

    to: int
    name: str = "baseline"
    dry_run: bool = False
    force: bool = False


def squash_migrations(
    migrations: MigrationSet,
    ledger: LedgerTable,
    options: RunOptions,
    request: SquashRequest,
    links: tuple[str, ...] = (),
) -> Squash:
    """Replace the migrations up to a version by a baseline, if both give the same result.

    No database is read. ``links`` are the folders to which links in the folder may lead. If the
    results differ, or if an error is raised, no file is changed. Raises ConfigError, ProblemsFound
    for files that cannot run, ServerError if the migrations cannot be replayed or dumped, and the
    errors of the scratch server.
    """
    refuse_problems(migrations)
    history = _history(migrations, request.to)
    last = history[-1]
    # `pgbraid new` makes pairs of files if the newest file belongs to one.
    ending = ".up.sql" if last.file.endswith(".up.sql") else ".sql"
    file = f"{last.digits}_{_name(last, request.name)}{ending}"
    check_files(migrations, history, file, force=request.force or request.dry_run)
    place = options.scratch
    with scratch_server(place.url, programs=place.programs, cache=place.cache) as scratch:
        dumper = find_dumper(scratch, place.programs)
        replayer = Replayer(
            scratch,
            ledger,
            stop=options.stop,
            role=plain_role(options.role),
            extend=True,
            prelude=read_prelude(place.prelude),
            search_path=options.search_path,
        )
        result = _Proof(replayer, dumper, history, file, options).squash()
    folder = migrations.label
    result = replace(result, dry_run=request.dry_run, deleted=deleted_files(folder, history))
    baseline = replace(result.baseline, path=f"{folder}/{file}")
    if result.ok and not request.dry_run:
        replace_files(migrations, history, file, result.text, links)
    return replace(result, baseline=baseline)


def _history(migrations: MigrationSet, to: int) -> tuple[Migration, ...]:
    """Return the migrations to replace. Raises ConfigError and ProblemsFound."""
    history = tuple(m for m in migrations.migrations if m.version <= to)
    if migrations.get(to) is None:
        raise ConfigError(
            f"`to` {to}: no migration has that version",
            hint="Name the version of a file; `pgbraid check --offline` reads the folder.",
        )
    if len(history) == 1:
        raise ConfigError(
            f"{history[0].label} is the only migration up to {to}, so there is nothing to squash",
            hint="Name a higher version: `pgbraid squash --to VERSION`.",
        )
    problems = tuple(p for p in check_scripts(history) if p.severity == "error")
    if problems:
        raise ProblemsFound(problems)
    unusual = [m for m in history if m.directives.replaces and not is_plain_name(m.name)]
    if unusual:
        raise ConfigError(
            f"the name of the baseline {unusual[0].label} cannot stand in a directive",
            hint="Rename it to letters, digits and underscores before any database runs it, then "
            "run `pgbraid squash` again.",
        )
    return history


def _name(last: Migration, name: str) -> str:
    """Return the name of the baseline, which must differ from the name at its version.

    The name shows which of the two a database has run.
    """
    chosen = slug(name)
    if not chosen or not is_plain_name(chosen):
        raise ConfigError(
            f"`name` {name!r} has no letter or digit for a file name",
            hint="Describe the baseline in a word: `pgbraid squash --name baseline`.",
        )
    if same_migration_name(last.name, last.version, chosen):
        raise ConfigError(
            f"the baseline cannot have the name of {last.file}, which it replaces",
            detail="The recorded name shows which of the two a database has run.",
            hint="Choose another one: `pgbraid squash --name NAME`.",
        )
    return chosen


class _Proof:
    """The replays of a history and of its baseline on one scratch server."""

    def __init__(
        self,
        replayer: Replayer,
        dumper: Dumper,
        history: tuple[Migration, ...],
        file: str,
        options: RunOptions,
    ) -> None:
        self._replayer, self._dumper, self._history = replayer, dumper, history
        self._file, self._options = file, options
        # On a server that others use, too, its own role replays.
        exclusive, own_role = replayer.scratch.exclusive, replayer.scratch.role
        self._role = options.role if options.role and exclusive else own_role
        self._base, _ = replayer.base(())
        self._text = ""
        self._shared: list[tuple[Cluster | None, frozenset[str]]] = []
        """The shared objects after each of the two replays, and more facts on the server."""

    def squash(self) -> Squash:
        """Make the baseline, and compare its result with that of the migrations.

        Raises ServerError if a migration fails.
        """
        replayer = self._replayer
        replayer.refuse_server_wide(self._history)
        self._report("the migrations", 1)
        left = replayer.keep(self._base, self._history, self._dump)
        if left.result.failure:
            raise self._fails(left.result.failure)
        self._report("the baseline", 2)
        baseline, right = self._replayed_baseline()
        if right.result.failure and _NO_SEARCH_PATH in self._text:
            # Functions with unqualified names in their bodies need the usual search_path.
            self._text = self._text.replace(_NO_SEARCH_PATH, "", 1)
            baseline, right = self._replayed_baseline()
        squash = Squash(baseline, self._text, self._history, server=replayer.scratch.label)
        if right.result.failure:
            return replace(squash, failure=right.result.failure)

        def again(side: str) -> KeptReplay:
            return replayer.keep(self._base, (baseline,) if side == "right" else self._history)

        compared = compare_kept(replayer, left, right, again)
        differing, without_effect = split_by_effect(compared.differences)
        self._report("the migrations again, to detect changing values", 3)
        return replace(
            squash,
            differences=differing,
            without_effect=without_effect,
            lost=self._lost(),
            frozen=changing_values(replayer, left, lambda: again("left")),
            not_compared=(*compared.not_compared, *replayer.provision.weakened),
            provided=tuple(replayer.provision.provided),
            history_seconds=left.seconds,
            baseline_seconds=right.seconds,
        )

    def _replayed_baseline(self) -> tuple[Migration, KeptReplay]:
        baseline = load_migrations({self._file: self._text}).migrations[0]
        return baseline, self._replayer.keep(self._base, (baseline,), self._note_shared)

    def _fails(self, failure: ReplayFailure) -> ServerError:
        return ServerError(
            f"the migrations cannot be replayed: {failure.migration.label} fails: "
            f"{failure.diagnostic.message}",
            detail=f"It failed on {self._replayer.scratch.label}, a scratch server.",
            hint="Fix its file, or give the server what it needs with the settings `scratch_url` "
            "and `prelude`; then run `pgbraid squash` again.",
        )

    def _note_shared(self, name: str, before: Cluster | None) -> None:
        """Keep the shared objects after a replay, and the facts on its database and passwords."""
        scratch = self._replayer.scratch
        after = scratch.read_cluster_state()
        passwords = roles_with_password(scratch, before, after) if before and after else ()
        facts = {f"password of role {role}" for role in passwords}
        facts |= {*database_facts(scratch, name)}
        self._shared.append((after, frozenset(facts)))

    def _lost(self) -> tuple[str, ...]:
        """Return what the migrations change on the server, and the baseline does not."""
        (old, old_facts), (new, new_facts) = self._shared
        facts = sorted(old_facts ^ new_facts)
        return (*facts, *(differences(old, new) if old and new else ()))

    def _dump(self, name: str, before: Cluster | None) -> None:
        """Make the text of the baseline from the database with the result of the migrations."""
        self._note_shared(name, before)
        statements = self._statements(name)
        if self._replayer.provision.prelude is not None:
            statements = without_statements(statements, self._statements(self._base.name))
        after = self._shared[0][0]
        roles = role_statements(before, after, self._role) if before and after else ()
        versions, earlier = _replaced(self._history)
        self._text = (
            format_replaced(versions, earlier)
            + f"-- Made by `pgbraid squash --to {self._history[-1].version}` from "
            f"{len(self._history)} migrations, and proven to give the same\n"
            "-- schema and rows. Their files are in the history of the repository.\n\n"
            + "\n\n".join(f"{statement};" for statement in (*roles, *statements))
            + "\n"
        )

    def _statements(self, name: str) -> tuple[str, ...]:
        ledger = self._replayer.ledger
        dumped = self._dumper.dump(name, ledger)
        return dump_statements(dumped, quoted(self._role), quoted(ledger.schema))

    def _report(self, order: str, number: int) -> None:
        self._options.on_event(ReplayStarted(order, number, _MOST_REPLAYS))


def _replaced(history: Sequence[Migration]) -> tuple[list[int], list[tuple[int, str]]]:
    """Return the versions that a baseline of this history replaces, and the earlier baselines."""
    versions = [v for m in history for v in (m.version, *m.directives.replaces)]
    earlier = [pair for m in history for pair in m.directives.earlier_baselines]
    earlier += [(m.version, m.name) for m in history if m.directives.replaces]
    return versions, earlier
