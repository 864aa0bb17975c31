"""Puts a question to a scratch server, and weighs the answer by what the migrations allow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.events import Posed
from pgbraid.core.proof import Proof, Verdict, verdict_of
from pgbraid.db.scratch import scratch_server
from pgbraid.histories import in_time
from pgbraid.judge import Question, judge_orders
from pgbraid.replay import Replayer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgbraid.core.model import Tracker
    from pgbraid.db.order import Order
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
    if not question.inversions:
        return Proof(
            Verdict.SAME, question.left, question.right, notes=told.notes, label=told.label
        )
    place, major = options.scratch, like.major if like else None
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major
    ) as scratch:
        role = scratch.login(like.owner) if like and like.owner else None
        replayer = Replayer(scratch, tracker, stop=options.stop, role=role, like=like, extend=True)
        proof = judge_orders(replayer, question, listen=options.listen)
        proof = _weighed(proof, replayer, options)
        notes = (*told.notes, *_other_version(scratch, major))
    return replace(proof, notes=notes, label=told.label)


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


def _weighed(proof: Proof, replayer: Replayer, options: RunOptions) -> Proof:
    """Return a proof with the reason for which its difference is allowed, if there is one.

    An order that fails never is. What a late migration allows is the difference that is gone when
    it comes in time; another one is not, and its pair is the one to be named.
    """
    if proof.verdict in {Verdict.SAME, Verdict.FAILS}:
        return proof
    if _is_accepted(proof, options.accept):
        return replace(proof, allowed=f"{proof.verdict.value}, by --accept or the settings")
    allowing = [m for m in proof.late if m.directives.allow_difference is not None]
    if not allowing:
        return proof
    places = {m.version: place for place, m in enumerate(proof.right)}
    rest = [m for m in proof.left if m not in allowing]
    left = in_time(rest, allowing, lambda m: places[m.version])
    other = Question(left, proof.right)
    found = judge_orders(replayer, other, listen=options.listen) if other.inversions else None
    if found and found.verdict is not Verdict.SAME and not _is_accepted(found, options.accept):
        return replace(proof, pair=found.pair or proof.pair, replays=found.replays)
    reasons = (f"{m.label} allows it: {m.directives.allow_difference}" for m in allowing)
    return replace(proof, allowed="; ".join(reasons))
