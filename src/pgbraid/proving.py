"""Puts a question to a scratch server, and weighs the answer by what the migrations allow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.core.events import Posed
from pgbraid.core.proof import Proof, Verdict
from pgbraid.db.scratch import scratch_server
from pgbraid.judge import judge_orders
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
        return Proof(Verdict.SAME, question.left, question.right, notes=told.notes)
    place, major = options.scratch, like.major if like else None
    with scratch_server(
        place.url, programs=place.programs, cache=place.cache, major=major
    ) as scratch:
        role = scratch.login(like.owner) if like and like.owner else None
        replayer = Replayer(scratch, tracker, stop=options.stop, role=role, like=like, extend=True)
        proof = judge_orders(replayer, question, listen=options.listen)
        notes = (*told.notes, *_other_version(scratch, major))
    return replace(proof, notes=notes, allowed=_allowed(proof, options.accept))


def _other_version(scratch: Scratch, major: int | None) -> Iterator[str]:
    """Say that what was proven was so on another version of the server."""
    own = scratch.version.partition(".")[0]
    if major is not None and own != str(major):
        yield f"replayed on PostgreSQL {own}; the database is on {major}"


def _allowed(proof: Proof, accept: tuple[str, ...]) -> str | None:
    """Return for what reason a difference is allowed, if it is."""
    if proof.verdict is Verdict.SAME:
        return None
    if proof.verdict.word in accept:
        return f"the settings accept {proof.verdict.value}"
    blamed = {proof.pair.first, proof.pair.second} if proof.pair else set(proof.late)
    for migration in proof.late:
        reason = migration.directives.allow_difference
        if reason is not None and migration in blamed:
            return f"{migration.label} allows it: {reason}"
    return None
