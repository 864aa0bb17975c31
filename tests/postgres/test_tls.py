"""TLS: warnings of an unverified server, and connection parameters passed on unchanged."""

import ast
from pathlib import Path

import psycopg
import pytest

import pgbraid
from pgbraid.postgres.client import connection
from pgbraid.postgres.client.conninfo import parse_target

SOURCE = Path(pgbraid.__file__).parent
FAR = "db.example.com"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch, tmp_path):
    for name in (
        "PGHOST",
        "PGHOSTADDR",
        "PGSSLMODE",
        "PGSSLROOTCERT",
        "PGSERVICE",
        "PGSERVICEFILE",
    ):
        monkeypatch.delenv(name, raising=False)


def expected(conninfo):
    return parse_target(conninfo).tls_warning


@pytest.mark.parametrize(
    "conninfo",
    [
        "",
        "host=/var/run/postgresql",
        "host=@abstract",
        "postgresql:///app",
        "postgresql://u@localhost/app",
        "host=LOCALHOST",
        "postgresql://127.0.0.1:6432/app",
        "host=127.8.9.10",
        "postgresql://[::1]/app",
        "host=localhost,127.0.0.1,/tmp",
        "host=db.example.com hostaddr=127.0.0.1",
        "host=db.example.com sslmode=verify-full",
        "postgresql://u@db.example.com/app?sslmode=verify-full&sslrootcert=x",
        "host=db.example.com gssencmode=require",
        "host=db.example.com channel_binding=require",
        "service=somewhere",
    ],
)
def test_verified_or_local_server_gets_no_warning(conninfo):
    assert expected(conninfo) is None


@pytest.mark.parametrize(
    ("conninfo", "message"),
    [
        (f"postgresql://u@{FAR}/app", f"the server {FAR} is not verified: sslmode is prefer"),
        (f"host={FAR} sslmode=disable", f"the server {FAR} is not verified: sslmode is disable"),
        (f"host={FAR} sslmode=require", f"the server {FAR} is not verified: sslmode is require"),
        (
            f"host={FAR} sslmode=verify-ca",
            f"the server {FAR} is not verified: sslmode is verify-ca",
        ),
        ("host=10.0.0.1", "the server 10.0.0.1 is not verified: sslmode is prefer"),
        ("host=127.evil.example", "the server 127.evil.example is not verified: sslmode is prefer"),
        ("hostaddr=10.0.0.1", "the server 10.0.0.1 is not verified: sslmode is prefer"),
        ("host=localhost hostaddr=::2", "the server ::2 is not verified: sslmode is prefer"),
        ("host=127.0.0.1,a,b", "the servers a, b are not verified: sslmode is prefer"),
        ("host=a,b hostaddr=127.0.0.1,", "the server b is not verified: sslmode is prefer"),
        ("host=a,a port=1,2", "the server a is not verified: sslmode is prefer"),
        (
            "host=a channel_binding=prefer gssencmode=prefer",
            "the server a is not verified: sslmode is prefer",
        ),
    ],
)
def test_server_elsewhere_that_is_not_verified_is_named(conninfo, message):
    assert expected(conninfo) == message


def test_libpq_variables_are_read(monkeypatch):
    monkeypatch.setenv("PGHOST", FAR)
    assert expected("") == f"the server {FAR} is not verified: sslmode is prefer"
    assert expected("host=localhost") is None
    monkeypatch.setenv("PGSSLMODE", "require")
    assert expected("").endswith("sslmode is require")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert expected("") is None
    assert expected("sslmode=prefer").endswith("sslmode is prefer")


def test_systems_certificates_force_verification(monkeypatch):
    if psycopg.pq.version() < 160000:
        pytest.skip("for this libpq, system is the name of a file")
    assert expected(f"host={FAR} sslrootcert=system") is None
    monkeypatch.setenv("PGSSLROOTCERT", "system")
    assert expected(f"host={FAR}") is None


def test_older_libpq_treats_system_as_file(monkeypatch):
    monkeypatch.setattr("psycopg.pq.version", lambda: 150000)
    assert expected(f"host={FAR} sslrootcert=system sslmode=require").endswith("sslmode is require")


def test_service_of_environment_is_read(monkeypatch, tmp_path):
    services = tmp_path / "services"
    services.write_text(
        f"[far]\nhost={FAR}\nsslmode=require\n[safe]\nhost={FAR}\nsslmode=verify-full\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGSERVICE", "far")
    assert expected("") == f"the server {FAR} is not verified: sslmode is require"
    monkeypatch.setenv("PGSERVICE", "safe")
    assert expected("") is None


def test_named_service_is_not_read(monkeypatch):
    """libpq does not return the host and sslmode of a service before it connects."""
    assert expected(f"service=x host={FAR}") is None
    assert expected(f"service=x host={FAR} sslmode=require") is not None
    monkeypatch.setenv("PGHOST", FAR)
    assert expected("service=x sslmode=require") is None


def test_no_part_of_password_is_shown():
    assert expected("host=my-s3cr3t-host password=s3cr3t") == (
        "the server my-***-host is not verified: sslmode is prefer"
    )
    # A masked word of our own message would reveal the password.
    assert "is not verified" in expected("host=a password=verified")


TLS = {
    "sslmode": "disable",
    "channel_binding": "disable",
    "sslrootcert": "/nowhere",
    "gssencmode": "disable",
    "ssl_min_protocol_version": "TLSv1.3",
    "requirepeer": "",
}


def test_given_tls_parameters_are_passed_on_unchanged(monkeypatch):
    given = " ".join(f"{name}='{value}'" for name, value in TLS.items())
    parameters = parse_target(f"host={FAR} {given}").parameters
    assert {name: parameters[name] for name in TLS} == TLS


def test_missing_tls_parameters_are_left_to_libpq(monkeypatch):
    for variable in (None, "disable", "verify-full"):
        if variable:
            monkeypatch.setenv("PGSSLMODE", variable)
        assert set(parse_target(f"host={FAR}").parameters) == {
            *("host", "connect_timeout", "keepalives_idle", "keepalives_interval"),
            *("keepalives_count", "fallback_application_name", "client_encoding"),
            "tcp_user_timeout",
        }


def test_every_connection_has_same_parameters(database, folder, monkeypatch):
    """So does the connection that queries the outcome after a lost connection."""
    made = []
    real = connection.Connection.connect

    def record(**parameters):
        made.append(parameters)
        return real(**parameters)

    monkeypatch.setattr(connection.Connection, "connect", record)
    target = parse_target(database.conninfo + " sslmode=allow channel_binding=disable")
    folder.write(_1_a="SELECT 1", _2_b="SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(pgbraid.ConnectionFailed):
        folder.load().up(target)
    folder.load().check(target)
    assert len(made) >= 3
    assert all(parameters == made[0] for parameters in made)
    assert made[0].items() >= dict(target.parameters).items()
    assert (made[0]["sslmode"], made[0]["channel_binding"]) == ("allow", "disable")


def test_connections_are_opened_in_one_place():
    """Except for the demo's counter, the test whether a server accepts connections, and tests.

    The connections of people's own tests are of the driver's own classes.
    """
    of_tests = {"clones/databases.py", "clones/rolled_back.py"}
    opened = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                *("psycopg.connect", "psycopg.Connection.connect", "Connection.connect"),
                *("pq.PGconn.connect", "pq.PGconn.connect_start", "pq.PGconn.ping"),
            }:
                opened.add("/".join(path.parts[-2:]))
    assert opened - of_tests == {
        *("client/background_connect.py", "client/connection.py", "scratch/counter_demo.py"),
        "server/process.py",
    }


def test_no_module_names_weaker_tls_mode():
    names = {"sslmode", "channel_binding", "gssencmode", "sslrootcert"}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                assert ast.unparse(node.targets[0].slice).strip("'") not in names
            if isinstance(node, ast.Call):
                assert not names & {keyword.arg for keyword in node.keywords}


def test_command_warns_once_and_continues(cli, folder, database):
    database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # as since PostgreSQL 15
    folder.write(_1_a="SELECT 1")
    named = "host=0.0.0.0 port=1"  # no server listens there; the error comes at once
    warning = (
        "WARNING:  the server 0.0.0.0 is not verified: sslmode is prefer\n"
        "HINT:  Give sslmode=verify-full and sslrootcert=… in the URL, or set PGSSLMODE.\n"
    )
    for command in ("up", "plan", "status", "check", "adopt"):
        answer = cli(command, "--database", named, code=4)
        assert answer.err.startswith(warning)
        assert answer.err.count("is not verified") == 1
    assert "WARNING" not in cli("up", "-q", "--database", named, code=4).err
    assert cli("up", "--database", named, "--json", code=4).err == ""
    assert "WARNING" not in cli("check", "--offline", "--database", named, code=0).err
    assert "WARNING" not in cli("up", code=0).err


def test_document_has_it_among_its_warnings(cli, folder, database):
    """The connection uses the socket of the test server; the URL names another host, too."""
    database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")  # as since PostgreSQL 15
    folder.write(_1_a="SELECT 1")
    target = parse_target(database.conninfo)
    if not str(target.parameters.get("host", "")).startswith("/"):
        pytest.skip("the server is not on a socket")
    host, port = target.parameters["host"], target.parameters["port"]
    several = psycopg.conninfo.make_conninfo(
        database.conninfo,
        host=f"{host},far.invalid",
        hostaddr="",
        port=f"{port},1",
        sslmode="prefer",
    )
    for words, member in ((["up"], "warnings"), (["check"], "problems"), (["plan"], "problems")):
        document = cli(*words, "--database", several, "--json", code=0).json
        (warning,) = document[member]
        assert (warning["code"], warning["severity"]) == ("unverified_server", "warning")
        assert "far.invalid" in warning["message"]
        assert "WARNING" in cli(*words, "--database", several, code=0).err
