"""Hostile layouts of the folder that ``--embedded`` names."""

import fcntl
import os
import shutil
import stat
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scenes read /proc")
OURS = ("pgbraid.lock", "pgbraid.users", "postgres.log")
NOT_OURS = "files that it created itself"
LAYOUTS = []


def layout(function):
    LAYOUTS.append(function)
    return function


@pytest.mark.parametrize("arrange", LAYOUTS, ids=lambda layout: layout.__name__)
def test_hostile_folder_does_no_harm(scene, arrange):
    scene.try_layout(arrange)


# Contents of postmaster.pid.


@layout
def a_live_process_and_a_folder_of_others(scene):
    scene.has_data()
    scene.names_in_pid_file(scene.sleeper(scene.owner), scene.canary / "owner")


@layout
def a_dead_process_and_a_folder_of_others(scene):
    scene.has_data()
    scene.names_in_pid_file(999999999, scene.canary / "runner")


@layout
def a_process_of_the_runner(scene):
    scene.has_data()
    scene.names_in_pid_file(scene.sleeper(scene.runner), scene.canary / "runner")


@layout
def a_process_of_another_user(scene):
    scene.has_data()
    scene.names_in_pid_file(scene.sleeper(scene.other), scene.canary / "runner")


@layout
def the_first_process_of_the_machine(scene):
    scene.has_data()
    scene.names_in_pid_file(1, scene.canary)


@layout
def a_dead_process_whose_parent_sleeps(scene):
    scene.has_data()
    wait = "os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)"
    code = f"pid = os.fork() or os._exit(0); {wait}; print(pid, flush=True); time.sleep(1000)"
    scene.names_in_pid_file(scene.act(scene.owner, code), scene.canary / "owner")


@layout
def a_process_that_stands_in_the_data(scene):
    scene.has_data()
    pid = scene.sleeper(scene.owner, cwd=scene.data)
    scene.names_in_pid_file(pid, scene.canary / "owner")
    return {"expected": "pgbraid cannot join it"}


ANSWERS_57P03 = """
import threading
server = socket.socket(socket.AF_UNIX)
server.bind(given["path"])
server.listen(50)
print(os.getpid(), flush=True)
while True:
    client, _ = server.accept()
    fields = b"SFATAL\\0VFATAL\\0C57P03\\0Mstarting up\\0\\0"
    try:
        client.recv(1000)
        client.sendall(b"E" + (4 + len(fields)).to_bytes(4, "big") + fields)
        client.close()
    except OSError:
        pass
"""


def answers_57p03(scene, user, where):
    folder = scene.put(scene.temporary / where, owner=user)
    return scene.act(user, ANSWERS_57P03, path=str(folder / ".s.PGSQL.5432")), folder


@layout
def a_socket_that_says_it_starts(scene):
    scene.has_data()
    _, folder = answers_57p03(scene, scene.owner, "pgbraid-abcdefgh")
    scene.names_in_pid_file(scene.sleeper(scene.owner), folder)


@layout
def a_socket_of_another_user(scene):
    scene.has_data()
    _, folder = answers_57p03(scene, scene.other, "pgbraid-abcdefgh")
    scene.names_in_pid_file(scene.sleeper(scene.owner), folder)


@layout
def a_folder_named_as_ours_are(scene):
    scene.has_data()
    base = scene.put(scene.temporary / "pgbraid-embedded-abcdefgh")
    run = scene.put(base / "run", owner=scene.owner)
    scene.put(run / "precious.txt", "", owner=scene.owner)
    scene.names_in_pid_file(scene.sleeper(scene.owner), run)


def marked(scene, owner, inode, data):
    """A folder like ours, with a mark that names an inode and a data directory."""
    base = scene.put(scene.temporary / "pgbraid-embedded-abcdefgh", owner=owner)
    scene.put(base / "run", owner=scene.owner)
    scene.put(base / "run" / "precious.txt", "", owner=scene.owner)
    inode = inode or base.stat().st_ino
    info = data.stat()
    scene.put(base / "owner", f"{inode}\n{info.st_dev}:{info.st_ino}\n", owner=owner)
    os.mkfifo(base / "alive", 0o600)
    scene.give(base / "alive", owner)
    scene.names_in_pid_file(scene.sleeper(scene.owner), base / "run")


@layout
def a_folder_of_ours_that_serves_other_data(scene):
    scene.has_data()
    marked(scene, scene.runner, None, scene.canary)


@layout
def a_folder_of_ours_that_was_copied(scene):
    scene.has_data()
    marked(scene, scene.runner, 1, scene.data)


@layout
def a_folder_of_another_user_with_a_mark(scene):
    scene.has_data()
    marked(scene, scene.other, None, scene.data)


@layout
def several_hosts_for_a_socket_folder(scene):
    scene.has_data()
    scene.names_in_pid_file(scene.sleeper(scene.owner), f"{scene.canary},127.0.0.1")


@layout
def an_abstract_socket(scene):
    scene.has_data()
    scene.names_in_pid_file(scene.sleeper(scene.owner), "@pgbraid")


@layout
def a_pid_file_that_is_a_link(scene):
    scene.has_data()
    (scene.data / "postmaster.pid").symlink_to(scene.precious)
    return {"expected": "postmaster.pid is not the file of a server"}


@layout
def a_pid_file_that_is_a_fifo(scene):
    scene.has_data()
    os.mkfifo(scene.data / "postmaster.pid")
    return {"expected": "postmaster.pid is not the file of a server"}


@layout
def a_pid_file_that_is_a_folder(scene):
    scene.has_data()
    scene.put(scene.data / "postmaster.pid", owner=scene.owner)
    return {"expected": "postmaster.pid is not the file of a server"}


@layout
def a_pid_file_that_is_a_hard_link(scene):
    scene.has_data()
    os.link(scene.canary / "owner" / "precious.txt", scene.data / "postmaster.pid")
    return {"expected": "bogus data in lock file"}


@layout
def a_pid_file_of_many_gigabytes(scene):
    scene.has_data()
    file = scene.put(scene.data / "postmaster.pid", "", owner=scene.owner)
    os.truncate(file, 1 << 36)
    return {"expected": "bogus data in lock file"}


@pytest.mark.parametrize("pid", ["0", "-1", "1e3", "٣", "", "99999999999999999999"])
def test_invalid_pid_is_left_to_postgresql(scene, pid):
    def arrange(scene):
        scene.has_data()
        scene.names_in_pid_file(pid, scene.canary)
        return {"expected": "did not start"} if pid in {"0", "٣", ""} else {}

    scene.try_layout(arrange)


# The files that pgbraid creates.


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("kind", ["link", "dangling", "hard link", "fifo", "folder", "device"])
def test_file_of_ours_that_leads_elsewhere_is_refused(scene, name, kind):
    def arrange(scene):
        scene.has_data()
        file = scene.folder / name
        file.unlink()
        if kind == "link":
            file.symlink_to(scene.precious)
        elif kind == "dangling":
            file.symlink_to(scene.canary / "new")
        elif kind == "hard link":
            os.link(scene.precious, file)
        elif kind == "fifo":
            os.mkfifo(file, 0o600)
        elif kind == "folder":
            file.mkdir()
        elif not os.geteuid():
            os.mknod(file, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        else:
            pytest.skip("only root can make a device")
        return {"expected": NOT_OURS}

    scene.try_layout(arrange)


@pytest.mark.parametrize("name", OURS)
def test_file_of_ours_that_belongs_to_another_user_is_refused(scene, name):
    def arrange(scene):
        scene.give(scene.has_data() / name, scene.other)
        return {"expected": NOT_OURS}

    scene.try_layout(arrange)


@pytest.mark.parametrize("name", OURS)
def test_file_of_ours_is_closed_to_others(scene, name):
    (scene.has_data() / name).chmod(0o644)
    assert "host=" in scene.run()
    assert stat.S_IMODE((scene.folder / name).stat().st_mode) == 0o600


def test_folder_that_stays_locked_is_refused_with_locks_name(scene):
    lock = scene.has_data() / "pgbraid.lock"
    with lock.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("123456\n")
        file.truncate()
        file.flush()
        answer = scene.run()
    assert f"another process 123456 has held the lock {lock} for 0.5 s" in answer
    assert "host=" in scene.run()


# The folder, and other files in it.


@layout
def data_that_are_a_link(scene):
    scene.has_data()
    shutil.rmtree(scene.data)
    scene.data.symlink_to(scene.canary / "owner")
    return {"expected": "contains files that do not belong"}


@layout
def data_that_are_a_link_to_other_data(scene):
    scene.has_data()
    scene.data.rename(scene.canary / "data")
    scene.data.symlink_to(scene.canary / "data")
    return {"expected": "contains files that do not belong"}


@layout
def data_of_another_user(scene):
    scene.has_data()
    scene.give(scene.data, scene.other)
    return {"expected": "and the server would run as"}


@layout
def data_of_root(scene):
    assert scene.other
    scene.has_data()
    scene.give(scene.data, (0, 0))
    return {"expected": "belongs to the user root"}


@layout
def a_version_that_is_a_link(scene):
    scene.has_data()
    (scene.data / "PG_VERSION").unlink()
    (scene.data / "PG_VERSION").symlink_to(scene.precious)
    return {"expected": "contains files that do not belong"}


@layout
def a_version_that_is_a_fifo(scene):
    scene.has_data()
    (scene.data / "PG_VERSION").unlink()
    os.mkfifo(scene.data / "PG_VERSION")
    return {"expected": "contains files that do not belong"}


@layout
def a_version_that_writes_to_the_terminal(scene):
    scene.has_data()
    (scene.data / "PG_VERSION").write_text("\x1b[2J18")
    return {"expected": "contains files that do not belong"}


@layout
def a_folder_of_another_user(scene):
    scene.give(scene.has_data(), scene.other)
    return {"expected": f"{scene.folder} belongs to the user"}


@layout
def a_folder_that_all_may_write(scene):
    scene.has_data().chmod(0o777)
    return {"expected": "other users can change the contents of"}


@layout
def a_folder_that_another_group_may_write(scene):
    os.chown(scene.has_data(), -1, scene.other[1])
    scene.folder.chmod(0o775)
    return {"expected": "other users can change the contents of"}


@layout
def a_folder_reached_by_a_link(scene):
    scene.has_data().rename(scene.path / "elsewhere")
    scene.folder.symlink_to(scene.path / "elsewhere")
    scene.made |= {scene.path / "elsewhere"}


@layout
def a_folder_in_a_folder_of_another_user(scene):
    scene.give(scene.path, scene.other)
    scene.made |= {scene.folder}
    scene.put(scene.folder)


@layout
def a_folder_in_one_that_all_may_write(scene):
    scene.path.chmod(0o777)
    scene.made |= {scene.folder}


@layout
def a_private_folder_that_is_none(scene):
    scene.has_data()
    scene.made.clear()
    scene.made |= {scene.data, *(scene.folder / name for name in OURS)}
    base = scene.put(scene.folder / "pgbraid-embedded-abcdefgh")
    os.utime(scene.put(base / "data"), (0, 0))
    scene.put(base / "data" / "precious.txt", "")
    os.utime(base, (0, 0))


@layout
def files_of_others(scene):
    scene.put(scene.has_data() / "precious.txt", "")
    return {"expected": "contains files that do not belong"}


@layout
def settings_that_cannot_be_read(scene):
    scene.has_data()
    (scene.data / "postgresql.conf").unlink()
    (scene.data / "postgresql.conf").symlink_to(scene.canary / "new")
    return {"expected": "the embedded server did not start"}
