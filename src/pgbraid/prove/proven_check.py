"""``check --base --prove``: adds the proof of a branch to the check of its files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError, PgbraidError, ProblemsFound, Stopped
from pgbraid.model.migration import Location, Problem
from pgbraid.model.proof import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pgbraid.model.migration import Migration
    from pgbraid.model.proof import ConflictingPair, Proof, ReplayFailure
    from pgbraid.model.results import Check

__all__ = ["problems_of_proof", "with_proof"]


def with_proof(check: Check, prove: Callable[[], Proof]) -> Check:
    """Return the check of a branch with its proof and the problems that the proof found.

    ``prove`` makes the proof. An error that prevents it is a problem, too, because the problems of
    the files must not be lost. Raises ConfigError for wrong settings, and Stopped.
    """
    ref = check.base or ""
    try:
        proof = prove()
    except (ConfigError, Stopped):
        raise
    except ProblemsFound as error:
        return replace(check, problems=(*check.problems, *_refused(check, error, ref)))
    except PgbraidError as error:
        problem = Problem(
            "not_proven", f"no proof could be made: {error.message}", error.detail, error.hint
        )
        return replace(check, problems=(*check.problems, problem))
    problems = tuple(_without_advice(p) if proof.ok else p for p in check.problems)
    return replace(check, problems=(*problems, *problems_of_proof(proof, ref)), proof=proof)


def _without_advice(problem: Problem) -> Problem:
    """Return a problem without the advice to make the proof that was made."""
    if problem.code != "base_gap":
        return problem
    return replace(
        problem, detail="Both orders end the same, or the difference is accepted.", hint=None
    )


def _refused(check: Check, error: ProblemsFound, ref: str) -> Iterator[Problem]:
    """Yield the problems that prevent a proof and are not problems of the check already."""
    reported = {(problem.code, problem.location) for problem in check.problems}
    errors = [problem for problem in check.problems if problem.severity == "error"]
    versions = {version for problem in errors for version in problem.versions}
    for problem in error.problems:
        place = problem.location
        if (problem.code, place) in reported or (
            problem.versions and versions >= {*problem.versions}
        ):
            continue
        # A file of the base is not a file of this branch.
        at_base = place is not None and place.file.startswith(f"{ref}:")
        yield replace(problem, location=None) if at_base else problem
    yield Problem(
        "not_proven",
        "no proof could be made: the files have problems",
        hint="Fix the other problems, then run `pgbraid check` again.",
    )


def problems_of_proof(proof: Proof, ref: str) -> Iterator[Problem]:
    """Yield the problem of a proof that failed, at the migration that is out of order."""
    if proof.ok:
        return
    if proof.verdict is Verdict.NOT_REPLAYED:
        yield _not_replayed(proof, ref)
    elif proof.pair is not None:
        yield _not_commuting(proof, proof.pair, ref)
    else:
        yield _without_pair(proof, ref)


def _not_replayed(proof: Proof, ref: str) -> Problem:
    failure = proof.recorded_failure or proof.version_failure
    if failure is None:
        return Problem(
            "not_proven",
            "no proof could be made: the migrations cannot be replayed",
            hint=f"Run `pgbraid prove --base {ref}`.",
        )
    label = failure.migration.label
    return Problem(
        "not_proven",
        f"no proof could be made: {label} fails: {failure.diagnostic.message}",
        detail=failure.diagnostic.detail,
        hint="Use a server that has the missing object: name it with `scratch_url`, or create the "
        f"object with the setting `prelude`. `pgbraid prove --base {ref}` shows the error."
        if proof.needs_missing_object
        else "It fails in every order. Fix its file, and try it with `pgbraid up --embedded`.",
        location=_place_of(failure, failure.migration),
        versions=(failure.migration.version,),
    )


def _not_commuting(proof: Proof, pair: ConflictingPair, ref: str) -> Problem:
    moved = pair.second
    before = ", ".join(migration.label for migration in pair.context)
    example = f"these two {f'after {before}' if before else 'on an empty database'}"
    if pair.after:
        example += f", then {', '.join(migration.label for migration in pair.after)}"
    if not pair.minimal:
        example += "; the search for a smaller one was cut short"
    failures = (pair.recorded_failure, pair.version_failure)
    failure = next((f for f in failures if f is not None and f.migration == moved), None)
    return Problem(
        "not_commuting",
        pair.sentence,
        detail=f"{'Smallest example' if pair.minimal else 'Example'}: {example}.",
        hint=_hint(proof, moved, ref),
        location=_place_of(failure, moved),
        versions=(moved.version, pair.first.version),
    )


def _without_pair(proof: Proof, ref: str) -> Problem:
    """Return the problem of two orders that differ, at the first migration out of order."""
    moved = proof.out_of_order[0] if proof.out_of_order else proof.recorded_order[-1]
    reason = proof.no_pair
    return Problem(
        "orders_differ",
        "a migration fails in one of the two orders"
        if proof.verdict is Verdict.FAILS
        else f"{ref} with this branch and a fresh database end with different schemas or rows",
        detail=f"{reason[0].upper()}{reason[1:]}." if reason else None,
        hint=_hint(proof, moved, ref),
        location=_place_of(proof.recorded_failure, moved),
        versions=(moved.version,),
    )


def _place_of(failure: ReplayFailure | None, migration: Migration) -> Location:
    """Return the place of a migration's failure, or else its first line."""
    place = failure.diagnostic.location if failure else None
    if place is not None and place.file == migration.path:
        return place
    return Location(migration.path, 1)


def _hint(proof: Proof, moved: Migration, ref: str) -> str:
    highest = max(migration.version for migration in proof.recorded_order)
    word = proof.verdict.word
    accept = ""
    if proof.verdict in {Verdict.COLUMN_ORDER, Verdict.ENUM_ORDER}:
        accept = f" If that order does not matter, add {word} to `accept`."
    elif proof.verdict is Verdict.DIFFERENT:
        accept = (
            " To allow a known difference, add `-- pgbraid: allow-difference=REASON` at the top of "
            f"{moved.label}."
        )
    return (
        f"If no database has {moved.label} yet, give it a version above {highest}; otherwise "
        f"change one of the two so that both orders end the same.{accept} `pgbraid prove --base "
        f"{ref}` shows the differences."
    )
