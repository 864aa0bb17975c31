"""A value of the wrong type is refused, with the name of the argument, before a connection."""

import asyncio
import re
from pathlib import Path

import pytest

import pgbraid

NOWHERE = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"
BRAID = pgbraid.load({"1_a.sql": "SELECT 1"})
SECRET = "s3cr3t-w0rd"


class Url:
    """Like sqlalchemy.engine.URL, whose text hides the password."""

    def render_as_string(self, *, hide_password=True):
        return f"postgresql+psycopg://me:{'***' if hide_password else SECRET}@host/db"

    def __str__(self):
        return self.render_as_string()


class Engine:
    """Like sqlalchemy.Engine."""

    url = Url()


class Integer:
    """Like the integers of numpy."""

    def __index__(self):
        return 1


CALLS = [
    (lambda: BRAID.up(NOWHERE, to="1"), "to must be a version, an integer such as 103, not '1'"),
    (lambda: BRAID.up(NOWHERE, to=True), "to must be a version, an integer, not True"),
    (lambda: BRAID.up(NOWHERE, to=1.0), "to must be a version, an integer, not 1.0"),
    (lambda: BRAID.plan(NOWHERE, to="1"), "to must be a version"),
    (lambda: asyncio.run(BRAID.aup(NOWHERE, to="1")), "to must be a version"),
    (lambda: BRAID.up(NOWHERE, not_applied="103"), "not_applied must be a list of versions"),
    (lambda: BRAID.up(NOWHERE, not_applied=103), "not_applied must be a list of versions"),
    (lambda: BRAID.up(NOWHERE, not_applied=["103"]), "each item of not_applied must be a version"),
    (lambda: BRAID.adopt(NOWHERE, not_applied="1"), "not_applied must be a list"),
    (lambda: BRAID.unadopt(NOWHERE, 1), "versions must be a list of versions"),
    (lambda: BRAID.repair(NOWHERE, "1"), "versions must be a list of versions"),
    (lambda: BRAID.repair(NOWHERE, [None]), "each item of versions must be a version"),
    (lambda: BRAID.undo(NOWHERE, "1"), "version must be a version"),
    (lambda: BRAID.resume(NOWHERE, "1"), "version must be a version"),
    (lambda: BRAID.resume(NOWHERE, 1, how="again"), "how must be 'retry', 'skip', 'forget'"),
    (lambda: BRAID.resume(NOWHERE, 1, statement="2"), "statement must be the number of a .* '2'"),
    (lambda: BRAID.resume(NOWHERE, 1, statement=True), "statement must be the number of a"),
    (lambda: BRAID.resume(NOWHERE, 1, statement=0), "statement must be .* from 1, not 0"),
    (lambda: BRAID.reconcile(NOWHERE, trust="both"), "trust must be 'journal' or 'applied_set'"),
    (lambda: BRAID.prove(history="[1]"), "history must be a list of versions"),
    (lambda: BRAID.prove(base=Path("main")), "base must be the name of a git commit, not"),
    (lambda: BRAID.up(NOWHERE, stop=asyncio.Event), "stop must be a pgbraid.StopToken"),
    (lambda: BRAID.up(NOWHERE, on_event=None), "on_event must be a function"),
    (lambda: pgbraid.load(None), "source must be a folder's path, .*, not None"),
    (lambda: pgbraid.load(b"migrations"), "source must be a folder's path, .* type bytes"),
    (lambda: pgbraid.load(["1_a.sql"]), "source must be a folder's path, .* type list"),
    (lambda: pgbraid.load(""), "the name of the folder of migrations is empty"),
    (lambda: pgbraid.load({"1_a.sql": None}), r"source\['1_a.sql'\] must be a text, not None"),
    (lambda: pgbraid.load({1: "SELECT 1"}), "each key of source must be a file's name"),
    (lambda: pgbraid.load({}, limits={"lock_timeout": 1}), "limits must be a pgbraid.Limits"),
    (lambda: pgbraid.load({}, limits=5), "limits must be a pgbraid.Limits, .* type int"),
    (lambda: pgbraid.load({}, adopt="no"), "adopt must be true or false, not 'no'"),
    (lambda: pgbraid.load({}, role=3), "role must be text, not 3"),
    (lambda: pgbraid.load({}, schema=b"app"), "schema must be text"),
    (lambda: pgbraid.load({}, lock_wait="soon"), "lock_wait must be a number of seconds"),
    (lambda: pgbraid.load({}, verify=True), "verify must be off, warn or error"),
    (lambda: pgbraid.Limits(lock_timeout="2s"), "lock_timeout must be a number of seconds"),
    (lambda: pgbraid.Limits(retry_for=-1), "retry_for must be a number of seconds, not -1"),
    (lambda: pgbraid.Limits(commit_wait=float("nan")), "commit_wait must be a number of seconds"),
]
DATABASES = [
    (None, "conninfo must be a URL or a connection string of key=value pairs, not None"),
    (b"postgresql:///x", "conninfo must be a URL .* type bytes"),
    (Path("postgresql:///x"), "conninfo must be a URL .* type .*Path"),
    (5432, "conninfo must be a URL .* type int"),
    (Url(), "conninfo must be a URL .* type Url"),
    (Engine(), "conninfo must be a URL .* type Engine"),
    (str(Url()), r"the password in the database URL is \*\*\*"),
]
METHODS = [
    BRAID.up,
    BRAID.plan,
    BRAID.check,
    BRAID.status,
    BRAID.repair,
    BRAID.adopt,
    BRAID.drop_tracker_table,
    BRAID.drift,
    lambda conninfo: BRAID.up(conninfo, dry_run=True),
    lambda conninfo: BRAID.unadopt(conninfo, [1]),
    lambda conninfo: BRAID.resume(conninfo, 1),
    lambda conninfo: BRAID.undo(conninfo, 1),
]


@pytest.mark.parametrize(("call", "message"), CALLS)
def test_parameter_of_another_type_is_refused_by_its_name(call, message):
    with pytest.raises(pgbraid.ConfigError, match=message) as caught:
        call()
    text = f"{caught.value} {caught.value.detail} {caught.value.hint}"
    assert "--" not in re.sub("`pgbraid [^`]*`", "", text)


@pytest.mark.parametrize(("given", "message"), DATABASES)
@pytest.mark.parametrize("method", METHODS)
def test_invalid_connection_string_is_refused_and_not_repeated(method, given, message):
    with pytest.raises(pgbraid.ConfigError, match=message) as caught:
        method(given)
    text = f"{caught.value} {caught.value.detail} {caught.value.hint}"
    assert SECRET not in text
    sqlalchemys = isinstance(given, (Url, Engine)) or given == str(Url())
    assert ("render_as_string(hide_password=False)" in text) == sqlalchemys


def test_integers_of_other_classes_are_versions():
    with pytest.raises(pgbraid.ConnectionFailed):
        BRAID.up(NOWHERE, to=Integer(), not_applied=[Integer()])
