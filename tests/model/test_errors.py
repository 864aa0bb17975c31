"""Every error keeps all its fields when it is pickled and copied."""

import copy
import inspect
import pickle

import pytest

import pgbraid
from pgbraid.model import errors
from pgbraid.model.findings import HazardReport
from pgbraid.model.migration import Diagnostic, Location, Migration, MigrationResult, Problem
from pgbraid.model.proof import Proof, Verdict

MIGRATION = Migration(1, "a", "1_a.sql", "0" * 64, 9, "m/1_a.sql", "1")
DIAGNOSTIC = Diagnostic(
    "ERROR", "no table", sqlstate="42P01", hint="Look.", location=Location("m", 1, 2)
)
PROBLEMS = tuple(Problem("empty", f"problem {n}", location=Location("m", n)) for n in range(30))
MADE_OF = {
    "ProblemsFound": {"problems": PROBLEMS},
    "MigrationFailed": {"migration": MIGRATION, "diagnostic": DIAGNOSTIC, "incomplete": True},
    "NotProven": {
        "proof": Proof(Verdict.FAILS, (MIGRATION,), ()),
        "message": "not proven",
        "detail": "Why.",
    },
    "HazardsRefused": {
        "report": HazardReport((), (), (), "pending", "18.6"),
        "message": "refused",
        "detail": "Why.",
    },
    "ServerError": {
        "message": "refused",
        "detail": "Why.",
        "hint": "Do.",
        "diagnostic": DIAGNOSTIC,
    },
}
PLAIN = {"message": "wrong", "detail": "Why.", "hint": "Do."}
CLASSES = [getattr(errors, name) for name in errors.__all__]
COPIES = [
    copy.copy,
    copy.deepcopy,
    *(
        lambda error, protocol=protocol: pickle.loads(pickle.dumps(error, protocol))  # noqa: S301
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]


def made(kind):
    """Return an error of a class with all its fields."""
    arguments = MADE_OF.get(kind.__name__, PLAIN)
    assert set(arguments) == set(inspect.signature(kind).parameters), kind
    error = kind(**arguments)
    error.applied = (MigrationResult(MIGRATION, gap=True, duration=None),)
    error.add_note("a note")
    if kind is pgbraid.MigrationFailed:
        error.completed_of_total, error.needs_no_transaction = (1, 2), True
    return error


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("copied", COPIES)
def test_copy_of_error_has_all_its_fields(kind, copied):
    error = made(kind)
    other = copied(error)
    assert type(other) is kind
    assert vars(other) == vars(error)
    assert other.args == error.args
    assert (str(other), repr(other)) == (str(error), repr(error))
    assert getattr(other, "sqlstate", None) == getattr(error, "sqlstate", None)


def test_error_of_foreign_subclass_can_be_pickled():
    class Theirs(pgbraid.ConfigError):
        def __init__(self, number):
            super().__init__(f"number {number}")
            self.number = number

    assert vars(copy.deepcopy(Theirs(3))) == vars(Theirs(3))
