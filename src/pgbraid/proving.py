"""Puts a question to a scratch server, and weighs the answer by what the migrations allow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pgbraid.core.events import Posed
from pgbraid.core.proof import Proof, Verdict, verdict_of
from pgbraid.db.order import plain_role
from pgbraid.db.scratch import scratch_server
from pgbraid.histories import in_time, in_time_below
from pgbraid.judge import Question, judge_orders
from pgbraid.prelude import read_prelude
from pgbraid.replay import Replayer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.core.model import Migration, Tracker
    from pgbraid.db.order import MigratingRole, Order
    from pgbraid.db.scratch import Scratch
    from pgbraid.histories import Told
    from pgbraid.survey import RunOptions

__all__ = ["prove_question"]


def prove_question(
    told: Told,
    tracker: Tracker,
    options: RunOptions,
    *,
    like: Order | None = None,
) -> Proof:
    """Return what the two orders of a question come to, and which pair is to blame.

    The scratch server and its databases are ``like`` the one whose order it is, as far as they
    can be: version, settings, extensions, and on a server of our own the role. What is out of order
    is told before anything runs; where nothing is, no server is needed. Raises ConfigError,
    EmbeddedError, ConnectionFailed, ServerError and Stopped.
    """
    question = told.question
    options.listen(
        Posed(
            question.left,
            question.late,
            question.inversions,
            len(question.prefix),
            question.most_replays,
            told.notes,
        )
    )
    if not question.inversions and question.run is None:
        proof = Proof(Verdict.SAME, question.left, question.right)
    else:
        proof = _judged(question, tracker, options, like)
    left_out = (*proof.left_out, *told.not_replayed)
    notes = (*told.notes, *proof.notes)
    return replace(proof, notes=notes, label=told.label, left_out=left_out)


def _judged(question: Question, tracker: Tracker, options: RunOptions, like: Order | None) -> Proof:
    """Judge a question on a scratch server, and weigh the answer by what is allowed."""
    place, major = options.scratch, like.major if like else None
    role = like.role if like else plain_role(options.role)
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major
    ) as scratch:
        replayer = Replayer(
            scratch,
            tracker,
            stop=options.stop,
            role=role,
            like=like,
            extend=True,
            prelude=read_prelude(place.prelude),
            search_path=options.search_path,
        )
        judge = partial(
            judge_orders, replayer, listen=options.listen, explain_for=options.explain_for
        )
        proof = _weighed(judge(question), judge, options)
        left_out = (*proof.left_out, *_other_role(scratch, role))
        return replace(proof, left_out=left_out, notes=tuple(_other_version(scratch, major)))


def _other_role(scratch: Scratch, role: MigratingRole | None) -> Iterator[str]:
    """Say that a role with other rights replayed, which only a server of others makes necessary."""
    if role is not None and not scratch.own and role.superuser != scratch.superuser:
        yield (
            f"the rights of role {role.name}: {scratch.role} replayed, which is "
            f"{'a' if scratch.superuser else 'no'} superuser"
        )


def _other_version(scratch: Scratch, major: int | None) -> Iterator[str]:
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


def _weighed(proof: Proof, judge: Callable[[Question], Proof], options: RunOptions) -> Proof:
    """Return a proof with the reason for which its difference is allowed, if there is one.

    An order that fails never is. A late migration allows the difference that is gone when it
    comes in time; another difference is not allowed, and its pair is the one to be named.
    """
    if proof.verdict in {Verdict.SAME, Verdict.FAILS, Verdict.NOT_REPLAYED}:
        return proof
    if _is_accepted(proof, options.accept):
        return replace(proof, allowed=f"{proof.verdict.value}, by `accept` or the settings")
    allowing = [m for m in proof.late if m.directives.allow_difference is not None]
    if not allowing:
        return proof
    for other in _without_lateness(proof, allowing):
        found = judge(other) if other.inversions else None
        if found and found.verdict is not Verdict.SAME and not _is_accepted(found, options.accept):
            return replace(
                proof,
                pair=found.pair or proof.pair,
                no_pair=found.no_pair or proof.no_pair,
                replays=found.replays,
            )
    reasons = (f"{m.label} allows it: {m.directives.allow_difference}" for m in allowing)
    return replace(proof, allowed="; ".join(reasons))


def _without_lateness(proof: Proof, allowing: list[Migration]) -> tuple[Question, Question]:
    """Return the questions whose differences these migrations do not account for.

    A migration that is lower than one of them may be late, too, and be what it builds on. So first
    those come in time, all else as it was; then these do.
    """
    places = {m.version: place for place, m in enumerate(proof.right)}

    def place(migration: Migration) -> int:
        return places[migration.version]

    lower = in_time_below(proof.left, allowing, place)
    rest = [m for m in lower if m not in allowing]
    return (
        Question(proof.left, lower),
        Question(in_time(rest, allowing, place), proof.right),
    )
