"""``prove``: read both orders, replay them on a scratch server, and weigh what differs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.model.events import ProofStarted
from pgbraid.model.proof import Proof, Verdict, verdict_of
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger.history import plain_role, read_history
from pgbraid.postgres.scratch.databases import scratch_server
from pgbraid.prove.inputs import (
    input_from_branch,
    input_from_database,
    input_from_list,
    insert_by_version,
    insert_lower_by_version,
    refuse_contradictions,
)
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.git import files_at_commit, merge_base
from pgbraid.source.prelude import read_prelude

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pgbraid.model.migration import LedgerTable, Migration, MigrationSet
    from pgbraid.model.options import RunOptions
    from pgbraid.postgres.client.conninfo import Target
    from pgbraid.postgres.ledger.history import AppliedHistory, MigratingRole
    from pgbraid.postgres.scratch.databases import ScratchServer
    from pgbraid.prove.inputs import ProofInput

__all__ = ["prove_branch", "prove_database", "prove_list", "run_proof"]


def prove_database(
    migrations: MigrationSet, target: Target, ledger: LedgerTable, options: RunOptions
) -> Proof:
    """Prove the order really recorded in a database, what is pending behind it.

    The database is only read, and let go before anything is replayed. Raises ProblemsFound,
    ServerError, ConnectionFailed and what the scratch server raises.
    """
    with connect(target, ledger, options.stop) as session:
        order = read_history(session)
    refuse_contradictions(order, ledger)
    told = input_from_database(migrations, order)
    return run_proof(told, ledger, options, like=order)


def prove_branch(
    migrations: MigrationSet, folder: str, ref: str, ledger: LedgerTable, options: RunOptions
) -> Proof:
    """Prove what ``ref`` of git has, what this branch adds behind it. No database is asked.

    Raises ConfigError, ProblemsFound and what the scratch server raises.
    """
    fork = files_at_commit(folder, merge_base(folder, ref))
    told = input_from_branch(migrations, files_at_commit(folder, ref), fork, ref)
    return run_proof(told, ledger, options)


def prove_list(
    migrations: MigrationSet,
    versions: Sequence[int],
    label: str,
    ledger: LedgerTable,
    options: RunOptions,
) -> Proof:
    """Prove the order of a list of versions, what it does not have behind it.

    Raises ConfigError, ProblemsFound and what the scratch server raises.
    """
    told = input_from_list(migrations, versions, label)
    return run_proof(told, ledger, options)


def run_proof(
    told: ProofInput,
    ledger: LedgerTable,
    options: RunOptions,
    *,
    like: AppliedHistory | None = None,
) -> Proof:
    """Return what the two orders of a question come to, and which pair is to blame.

    The scratch server and its databases are ``like`` the one whose order it is, as far as they
    can be: version, settings, extensions, and on a server of our own the role. What is out of order
    is told before anything runs; where nothing is, no server is needed. Raises ConfigError,
    EmbeddedError, ConnectionFailed, ServerError and Stopped.
    """
    question = told.orders
    options.on_event(
        ProofStarted(
            question.recorded,
            question.out_of_order,
            question.inversions,
            len(question.prefix),
            question.most_replays,
            told.notes,
        )
    )
    if not question.inversions and question.run is None:
        proof = Proof(Verdict.SAME, question.recorded, question.by_version)
    else:
        proof = _compared(question, ledger, options, like)
    left_out = (*proof.not_compared, *told.not_replayed)
    notes = (*told.notes, *proof.notes)
    return replace(proof, notes=notes, label=told.label, not_compared=left_out)


def _compared(
    question: OrderPair, ledger: LedgerTable, options: RunOptions, like: AppliedHistory | None
) -> Proof:
    """Judge a question on a scratch server, and weigh the answer by what is allowed."""
    place, major = options.scratch, like.major if like else None
    role = like.role if like else plain_role(options.role)
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
        )
        judge = partial(
            compare_orders, replayer, listen=options.on_event, explain_for=options.explain_for
        )
        proof = _with_allowances(judge(question), judge, options)
        left_out = (*proof.not_compared, *_other_role(scratch, role))
        return replace(proof, not_compared=left_out, notes=tuple(_other_version(scratch, major)))


def _other_role(scratch: ScratchServer, role: MigratingRole | None) -> Iterator[str]:
    """Say that a role with other rights replayed, which only a server of others makes necessary."""
    if role is not None and not scratch.exclusive and role.superuser != scratch.superuser:
        yield (
            f"the rights of role {role.name}: {scratch.role} replayed, which is "
            f"{'a' if scratch.superuser else 'no'} superuser"
        )


def _other_version(scratch: ScratchServer, major: int | None) -> Iterator[str]:
    """Say that what was proven was so on another version of the server."""
    own = scratch.version.partition(".")[0]
    if major is not None and own != str(major):
        yield f"replayed on PostgreSQL {own}; the database is on {major}"


def _is_accepted(proof: Proof, accept: tuple[str, ...]) -> bool:
    """Whether all respects in which two orders differ are accepted."""
    verdicts = {verdict_of({difference.facet}) for difference in proof.differences}
    words = {verdict.word for verdict in verdicts} - {Verdict.SAME.word}
    different = Verdict.DIFFERENT.word in accept
    return proof.verdict is not Verdict.FAILS and (different or words <= set(accept))


def _with_allowances(
    proof: Proof, judge: Callable[[OrderPair], Proof], options: RunOptions
) -> Proof:
    """Return a proof with the reason for which its difference is allowed, if there is one.

    An order that fails never is. A late migration allows the difference that is gone when it
    comes in time; another difference is not allowed, and its pair is the one to be named.
    """
    if proof.verdict in {Verdict.SAME, Verdict.FAILS, Verdict.NOT_REPLAYED}:
        return proof
    if _is_accepted(proof, options.accept):
        return replace(proof, allowed_reason=f"{proof.verdict.value}, by `accept` or the settings")
    allowing = [m for m in proof.out_of_order if m.directives.allow_difference is not None]
    if not allowing:
        return proof
    for other in _without_gaps(proof, allowing):
        found = judge(other) if other.inversions else None
        if found and found.verdict is not Verdict.SAME and not _is_accepted(found, options.accept):
            return replace(
                proof,
                pair=found.pair or proof.pair,
                no_pair=found.no_pair or proof.no_pair,
                replays=found.replays,
            )
    reasons = (f"{m.label} allows it: {m.directives.allow_difference}" for m in allowing)
    return replace(proof, allowed_reason="; ".join(reasons))


def _without_gaps(proof: Proof, allowing: list[Migration]) -> tuple[OrderPair, OrderPair]:
    """Return the questions whose differences these migrations do not account for.

    A migration that is lower than one of them may be late, too, and be what it builds on. So first
    those come in time, all else as it was; then these do.
    """
    places = {m.version: place for place, m in enumerate(proof.version_order)}

    def place(migration: Migration) -> int:
        return places[migration.version]

    lower = insert_lower_by_version(proof.recorded_order, allowing, place)
    rest = [m for m in lower if m not in allowing]
    return (
        OrderPair(proof.recorded_order, lower),
        OrderPair(insert_by_version(rest, allowing, place), proof.version_order),
    )
