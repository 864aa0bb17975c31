"""``prove``: compares two orders of the same migrations, and finds a pair that conflicts.

========================  ======================================================================
step                      module
========================  ======================================================================
read both orders          ``inputs.py``: from a database, a branch or a list of versions
replay both orders        ``replay/``: on a scratch server, with the runner of ``up``
compare the results       ``comparison/``: catalogs and rows, except values that change every time
find the pair             ``search/pair_search.py``: likely pairs first, then a bisection
minimize its example      ``search/minimize.py``: removes migrations that the example does not need
report                    ``build_proof`` below
========================  ======================================================================

``compare_orders`` in ``order_pair.py`` does the four steps in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.model.events import ProofStarted
from pgbraid.model.proof import Proof, Verdict, verdict_of
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger.history import plain_role, read_history
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.postgres.statistics.production_sizes import read_sizes
from pgbraid.prove.baseline_check import compare_baseline
from pgbraid.prove.inputs import (
    input_from_branch,
    input_from_database,
    input_from_list,
    insert_by_version,
    insert_lower_by_version,
    refuse_contradictions,
)
from pgbraid.prove.order_pair import OrderComparison, OrderPair, compare_orders
from pgbraid.prove.proof_hazards import ProofHazards
from pgbraid.prove.replaced_history import with_baselines
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.content import read_prelude
from pgbraid.source.git import files_at_commit, merge_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.hazards.sizes import Sizes
    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.ledger.history import AppliedHistory, MigratingRole
    from pgbraid.postgres.scratch.databases import ScratchServer
    from pgbraid.prove.inputs import ProofInput

    Compare = Callable[..., OrderComparison]

__all__ = ["build_proof", "prove_branch", "prove_database", "prove_list", "run_proof"]


def prove_database(
    migrations: MigrationSet, target: Target, ledger: LedgerTable, options: RunOptions
) -> Proof:
    """Prove the order that a database has recorded, followed by the pending migrations.

    The database is only read. The connection is closed before the replays. Raises ProblemsFound,
    ServerError, ConnectionFailed, and the errors of the scratch server.
    """
    with connect(target, ledger, options.stop) as session:
        history = read_history(session)
        sizes = read_sizes(session) if options.lint_rules else None
    refuse_contradictions(history, ledger)
    history = with_baselines(migrations, history)
    proof_input = input_from_database(migrations, history)
    return run_proof(proof_input, ledger, options, like=history, sizes=sizes)


def prove_branch(
    migrations: MigrationSet, folder: str, ref: str, ledger: LedgerTable, options: RunOptions
) -> Proof:
    """Prove the migrations of the git commit ``ref``, followed by those that this branch adds.

    No database is read. Raises ConfigError, ProblemsFound, and the errors of the scratch server.
    """
    fork = files_at_commit(folder, merge_base(folder, ref))
    proof_input = input_from_branch(migrations, files_at_commit(folder, ref), fork, ref)
    return run_proof(proof_input, ledger, options)


def prove_list(
    migrations: MigrationSet,
    versions: Sequence[int],
    label: str,
    ledger: LedgerTable,
    options: RunOptions,
) -> Proof:
    """Prove the order of a list of versions, followed by the migrations that are not in the list.

    Raises ConfigError, ProblemsFound, and the errors of the scratch server.
    """
    return run_proof(input_from_list(migrations, versions, label), ledger, options)


def run_proof(
    proof_input: ProofInput,
    ledger: LedgerTable,
    options: RunOptions,
    *,
    like: AppliedHistory | None = None,
    sizes: Sizes | None = None,
) -> Proof:
    """Compare the two orders on a scratch server, and return the proof with a conflicting pair.

    The scratch databases resemble the database whose history is ``like``: its version, settings
    and extensions, and on a server that only pgbraid uses its role. If the orders are equal and no
    migration was undone, no server is started. Raises ConfigError, EmbeddedError, ConnectionFailed,
    ServerError and Stopped.
    """
    orders = proof_input.orders
    options.on_event(
        ProofStarted(
            orders.recorded,
            orders.out_of_order,
            orders.inversions,
            len(orders.prefix),
            orders.most_replays,
            proof_input.notes,
        )
    )
    if not (orders.must_replay or proof_input.squashed):
        return build_proof(proof_input, OrderComparison(Verdict.SAME))
    return _prove_on_scratch_server(proof_input, ledger, options, like, sizes)


def _prove_on_scratch_server(
    proof_input: ProofInput,
    ledger: LedgerTable,
    options: RunOptions,
    like: AppliedHistory | None,
    sizes: Sizes | None,
) -> Proof:
    """Replay, compare, find the pair and minimize it on a scratch server; return the proof."""
    orders = proof_input.orders
    place, major = options.scratch, like.major if like else None
    role = like.role if like else plain_role(options.role)
    # Another major version is used if the database's version is not installed: a note reports it.
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major
    ) as scratch:
        replayer = Replayer(
            scratch,
            ledger,
            stop=options.stop,
            role=role,
            like=like,
            extend=True,
            prelude=read_prelude(place.prelude),
            search_path=options.search_path,
            cluster=options.cluster,
        )
        notes = [*_version_difference(scratch, major)]
        for baseline, history in proof_input.squashed:
            differing = compare_baseline(replayer, baseline, history)
            if differing is not None:
                return build_proof(proof_input, differing, notes=tuple(notes))
            number = len(history)
            notes.append(f"{baseline.label} gives the result of the {number} that it replaces")
        compare = partial(
            compare_orders, replayer, on_event=options.on_event, explain_for=options.explain_for
        )
        hazards = ProofHazards(replayer, proof_input, options, sizes)
        comparison = compare(orders, on_base=hazards.look)
        proof = build_proof(
            proof_input,
            comparison,
            _check_allowances(orders, comparison, compare, options),
            not_compared=(*_role_difference(scratch, role), *_shared_objects(scratch, options)),
            notes=tuple(notes),
        )
        cluster = options.cluster and scratch.exclusive
        return replace(proof, hazards=hazards.report, cluster=cluster)


@dataclass(frozen=True, slots=True)
class _Allowance:
    """Why a difference is allowed; or the comparison that shows a difference that is not."""

    reason: str | None = None
    other: OrderComparison | None = None


_NOT_ALLOWED = _Allowance()


def _check_allowances(
    orders: OrderPair, comparison: OrderComparison, compare: Compare, options: RunOptions
) -> _Allowance:
    """Return whether ``accept`` or directives allow the difference.

    An order that fails is never allowed. An out-of-order migration with the directive
    ``allow-difference`` allows the difference that disappears when it runs in order. Any other
    difference is not allowed; its comparison is returned, and the proof names the pair of it.
    """
    if comparison.verdict in {Verdict.SAME, Verdict.FAILS, Verdict.NOT_REPLAYED}:
        return _NOT_ALLOWED
    if _is_accepted(comparison, options.accept):
        return _Allowance(f"{comparison.verdict.value}, by `accept` or the settings")
    allowing = [m for m in orders.out_of_order if m.directives.allow_difference is not None]
    if not allowing:
        return _NOT_ALLOWED
    for others in _without_allowed(orders, allowing):
        other = compare(others) if others.inversions else None
        if other and other.verdict is not Verdict.SAME and not _is_accepted(other, options.accept):
            return _Allowance(other=other)
    reasons = (f"{m.label} allows it: {m.directives.allow_difference}" for m in allowing)
    return _Allowance("; ".join(reasons))


def _is_accepted(comparison: OrderComparison, accept: tuple[str, ...]) -> bool:
    """Return whether all aspects in which two orders differ are accepted."""
    verdicts = {verdict_of({difference.facet}) for difference in comparison.differences}
    words = {verdict.word for verdict in verdicts} - {Verdict.SAME.word}
    different = Verdict.DIFFERENT.word in accept
    return comparison.verdict is not Verdict.FAILS and (different or words <= set(accept))


def _without_allowed(orders: OrderPair, allowing: list[Migration]) -> tuple[OrderPair, OrderPair]:
    """Return two comparisons to make; if each gives equal results, every difference is allowed.

    An allowing migration can build on a lower one that is out of order too, so the lower one moves
    to its place first. For example, the recorded order is 5 2 3 4, and 3 allows its difference.
    The first comparison is 5 2 3 4 with 2 5 3 4, the second one 2 3 5 4 with 2 3 4 5. The step
    between them, from 2 5 3 4 to 2 3 5 4, moves only 3 and is allowed.
    """
    places = {m.version: place for place, m in enumerate(orders.by_version)}

    def place(migration: Migration) -> int:
        return places[migration.version]

    lower = insert_lower_by_version(orders.recorded, allowing, place)
    rest = [m for m in lower if m not in allowing]
    return (
        OrderPair(orders.recorded, lower),
        OrderPair(insert_by_version(rest, allowing, place), orders.by_version),
    )


def _role_difference(scratch: ScratchServer, role: MigratingRole | None) -> Iterator[str]:
    """Yield a line if a server that others use replays with a role of other rights."""
    if role is not None and not scratch.exclusive and role.superuser != scratch.superuser:
        yield (
            f"the rights of role {role.name}: {scratch.role} replayed, which is "
            f"{'a' if scratch.superuser else 'no'} superuser"
        )


def _shared_objects(scratch: ScratchServer, options: RunOptions) -> Iterator[str]:
    """Yield a line if the objects of the whole server were to be compared and cannot be."""
    if options.cluster and not scratch.exclusive:
        yield (
            f"roles, memberships and settings of the server: {scratch.label} may have other "
            "users, so migrations must not change them there; without `scratch_url`, an embedded "
            "server compares them"
        )


def _version_difference(scratch: ScratchServer, major: int | None) -> Iterator[str]:
    """Report that the scratch server has another major version than the database."""
    version = scratch.version.partition(".")[0]
    if major is not None and version != str(major):
        yield f"replayed on PostgreSQL {version}; the database is on {major}"


def build_proof(
    proof_input: ProofInput,
    comparison: OrderComparison,
    allowance: _Allowance = _NOT_ALLOWED,
    *,
    not_compared: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Proof:
    """Build the proof from its inputs and the comparison of both orders.

    ``not_compared`` and ``notes`` are the lines that depend on the scratch server.
    """
    orders = proof_input.orders
    # If an allowed difference is not the only one, the pair is that of the other difference.
    cause = allowance.other or comparison
    return Proof(
        comparison.verdict,
        orders.recorded,
        orders.by_version,
        orders.out_of_order,
        orders.inversions,
        replays=cause.replays,
        differences=comparison.differences,
        recorded_failure=comparison.recorded_failure,
        version_failure=comparison.version_failure,
        pair=cause.pair or comparison.pair,
        no_pair=cause.no_pair or comparison.no_pair,
        search_replays=cause.search_replays,
        cut_short=cause.cut_short,
        not_compared=(*comparison.not_compared, *not_compared, *proof_input.not_replayed),
        provided=comparison.provided,
        notes=(*proof_input.notes, *notes),
        label=proof_input.label,
        server=comparison.server,
        allowed_reason=allowance.reason,
    )
