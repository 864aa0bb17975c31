"""A settings file that was not named is read only if no stranger can have created it."""

import os
import subprocess
import sys

import pytest

from pgbraid.model.errors import ConfigError
from pgbraid.settings.settings import Settings
from pgbraid.settings.settings_file import find_settings

STRANGER = 65534
only_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away"
)


@pytest.fixture
def place(tmp_path):
    """A folder, a settings file in its parent, and another settings file farther above."""
    work = tmp_path / "above" / "work"
    work.mkdir(parents=True)
    (tmp_path / "pgbraid.toml").write_text('schema = "far"')
    file = work.parent / "pgbraid.toml"
    file.write_text('schema = "near"')
    return work, file


def give(path, owner=STRANGER, mode=None):
    os.chown(path, owner, owner, follow_symlinks=False)
    if mode is not None:
        path.chmod(mode)


def schema(work):
    return find_settings(start=work).schema


def test_file_of_ones_own_is_taken(place):
    assert schema(place[0]) == "near"
    assert find_settings(start=place[0]).passed_over == ()


@only_root
@pytest.mark.parametrize("which", ["file", "folder", "link"])
def test_file_of_stranger_is_skipped_for_next_file(place, which):
    work, file = place
    if which == "link":
        file.rename(file.parent / "real.toml")
        file.symlink_to("real.toml")
    give(file.parent if which == "folder" else file)
    settings = find_settings(start=work)
    assert (settings.schema, settings.passed_over) == ("far", (str(file),))


@pytest.mark.parametrize("which", ["file", "folder"])
def test_world_writable_file_is_skipped(place, which):
    work, file = place
    (file.parent if which == "folder" else file).chmod(0o777)
    assert schema(work) == "far"


@only_root
def test_in_sticky_folder_owner_of_file_decides(place):
    work, file = place
    file.parent.chmod(0o1777)
    assert schema(work) == "near"
    give(file)
    assert schema(work) == "far"


@only_root
def test_link_to_strangers_file_is_skipped(place):
    work, file = place
    file.rename(file.parent / "real.toml")
    file.symlink_to("real.toml")
    assert schema(work) == "near"
    give(file.parent / "real.toml")
    assert schema(work) == "far"


@only_root
def test_owner_of_current_folder_is_trusted(place):
    """A container runs as root in a folder of the user who started it."""
    work, file = place
    for path in (work, file.parent, file):
        give(path)
    assert schema(work) == "near"


def test_file_in_world_writable_current_folder_is_read(place):
    """Some file systems, such as Windows drives in WSL, show every file like this."""
    work, file = place
    for path in (work, file.parent, file):
        path.chmod(0o777)
    assert schema(work) == "near"


@only_root
def test_root_trusts_user_for_whom_sudo_runs(place, monkeypatch):
    work, file = place
    for path in (file.parent, file):
        give(path)
    assert schema(work) == "far"
    monkeypatch.setenv("SUDO_UID", str(STRANGER))
    assert schema(work) == "near"
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert schema(work) == "far"


@only_root
@pytest.mark.parametrize("text", ["not toml", "shema = 'a'", ""])
def test_file_of_stranger_stops_no_run(place, text):
    work, file = place
    file.write_text(text)
    give(file)
    assert schema(work) == "far"
    file.rename(file.parent / "pyproject.toml")
    settings = find_settings(start=work)
    assert (settings.schema, settings.passed_over) == ("far", ())


@only_root
def test_strangers_file_that_is_named_is_taken(place):
    give(place[1])
    assert find_settings(str(place[1])).schema == "near"


@only_root
def test_program_warns_of_file_of_stranger_with_hint(place, program):
    work, file = place
    give(file)
    (work / "migrations").mkdir()
    (work / "migrations" / "1_a.sql").write_text("SELECT 1")
    inside = type(program)(work, program.env)
    answer = inside("check", "--offline", code=0)
    assert answer.err == (
        f"WARNING:  the settings file {file} is ignored: another user owns it or can write to it\n"
        f"HINT:  To use it anyway, name it with --config {file}.\n"
    )
    document = inside("check", "--offline", "--json", code=0).json
    assert document["problems"][0]["code"] == "untrusted_settings"
    assert document["settings"] == str(file.parent.parent / "pgbraid.toml")
    assert inside("check", "--offline", "--config", str(file), code=0).err == ""


def test_verbose_names_settings_file_once(program, tmp_path):
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "1_a.sql").write_text("SELECT 1")
    assert program("check", "--offline", "-v", code=0).err == "settings: no file\n"
    assert program("check", "--offline", "--json", code=0).json["settings"] is None
    (tmp_path / "pgbraid.toml").write_text("")
    answer = program("check", "--offline", "-v", code=0)
    assert answer.err == f"settings: {tmp_path / 'pgbraid.toml'}\n"


def test_settings_file_that_cannot_be_read_gets_hint_that_fits(program, tmp_path):
    (tmp_path / "pgbraid.toml").mkdir()
    answer = program("status", "--config", "pgbraid.toml", code=2)
    assert answer.err.splitlines() == [
        "ERROR:  cannot read the settings file pgbraid.toml: Is a directory",
        "HINT:  Make it a file that this user can read, or name another one with --config.",
    ]


@pytest.mark.parametrize("words", [[], ["--dir", "/"], ["--config", "{file}"]])
def test_removed_current_folder_is_reported(tmp_path, program, words, monkeypatch):
    file = tmp_path / "pgbraid.toml"
    file.write_text('dir = "migrations"')
    gone = tmp_path / "gone"
    gone.mkdir()
    run = f"cd {gone} && rmdir {gone} && exec {{}} -m pgbraid check --offline {' '.join(words)}"
    done = subprocess.run(
        ["/bin/sh", "-c", run.format(sys.executable, file=file)],
        env=program.env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "ERROR:  the current folder does not exist any more",
    )


def test_folder_above_that_may_not_be_entered_holds_no_settings(monkeypatch, tmp_path):
    real = type(tmp_path).is_file

    def is_file(path):
        if path.parent != tmp_path:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(type(tmp_path), "is_file", is_file)
    assert find_settings(start=tmp_path) == Settings()


def test_skipped_file_is_no_setting(tmp_path):
    (tmp_path / "pgbraid.toml").write_text("passed_over = ['x']")
    with pytest.raises(ConfigError, match="'passed_over' is not a setting"):
        find_settings(start=tmp_path)
