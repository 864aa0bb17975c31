"""Hostile layouts of the places for temporary files and of the caches."""

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the scenes read /proc")
LAYOUTS = []
NAME = "pgbraid-embedded-abcdefgh"


def layout(function):
    LAYOUTS.append(function)
    return function


@pytest.mark.parametrize("arrange", LAYOUTS, ids=lambda layout: layout.__name__)
def test_hostile_place_does_no_harm(scene, arrange):
    options = arrange(scene)
    scene.try_layout(lambda _: {"lasting": False, **(options or {})})


# Folders that look like those of temporary servers.


def planted(scene, owner, *, old=True):
    """A folder like that of an abandoned temporary server, but without the mark."""
    base = scene.put(scene.memory / NAME, owner=owner, mode=0o700)
    data = scene.put(base / "data", owner=owner)
    scene.put(data / "precious.txt", "", owner=owner)
    scene.put(data / "postmaster.pid", f"{scene.sleeper(scene.runner)}\n", owner=owner)
    scene.put(base / "run", owner=owner)
    if old:
        os.utime(base, (0, 0))
    return base


def as_ours(scene, base, owner, inode):
    """Add the mark and the FIFO of our folders."""
    scene.put(base / "owner", f"{inode}\n\n", owner=owner)
    os.mkfifo(base / "alive", 0o600)
    scene.give(base / "alive", owner)


@layout
def a_folder_of_the_servers_user(scene):
    base = planted(scene, scene.owner)
    as_ours(scene, base, scene.owner, 1)


@layout
def a_folder_of_the_servers_user_with_its_own_number(scene):
    if scene.owner == scene.runner:
        pytest.skip("it would be a folder of ours")
    base = planted(scene, scene.owner)
    as_ours(scene, base, scene.owner, base.stat().st_ino)


@layout
def a_folder_of_another_user(scene):
    base = planted(scene, scene.other)
    as_ours(scene, base, scene.other, base.stat().st_ino)


@layout
def a_folder_with_a_socket_that_says_it_starts(scene):
    base = planted(scene, scene.owner)
    as_ours(scene, base, scene.owner, 1)
    code = "s = socket.socket(socket.AF_UNIX); s.bind(given['path']); s.listen(); print(flush=True)"
    scene.act(scene.owner, f"{code}; time.sleep(1000)", path=str(base / "run" / ".s.PGSQL.5432"))


@layout
def a_folder_of_ours_without_a_mark(scene):
    planted(scene, scene.runner)


@layout
def a_new_folder_of_ours_without_a_mark(scene):
    scene.put(scene.memory / NAME, mode=0o700)


@layout
def a_folder_from_an_archive(scene):
    """It has the mark of the folder that was archived."""
    base = planted(scene, scene.runner)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    base.rename(scene.memory / "original")
    subprocess.run(["cp", "-Rp", scene.memory / "original", base], check=True)


@layout
def a_folder_of_ours_that_others_may_change(scene):
    base = planted(scene, scene.runner)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    base.chmod(0o777)


@layout
def a_folder_of_ours_that_holds_something_else(scene):
    base = planted(scene, scene.runner)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    scene.put(base / "precious.txt", "")


@layout
def a_mark_that_is_a_link(scene):
    base = planted(scene, scene.runner)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    (base / "owner").rename(scene.canary / "owner.txt")
    (base / "owner").symlink_to(scene.canary / "owner.txt")


@layout
def a_mark_that_is_a_fifo(scene):
    os.mkfifo(planted(scene, scene.runner) / "owner", 0o600)


@layout
def a_link_to_a_folder_of_others(scene):
    (scene.memory / NAME).symlink_to(scene.canary / "runner")


@layout
def a_link_to_a_folder_of_ours(scene):
    base = planted(scene, scene.runner)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    base.rename(scene.canary / NAME)
    (scene.memory / NAME).symlink_to(scene.canary / NAME)


@layout
def a_file_named_as_ours_are(scene):
    scene.put(scene.memory / NAME, "precious")


@layout
def a_folder_that_is_in_use(scene):
    """A process reads from the FIFO: the one that made the folder, or its watcher."""
    base = planted(scene, scene.runner)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    code = "os.open(given['path'], os.O_RDONLY | os.O_NONBLOCK); print(flush=True)"
    scene.act(scene.runner, f"{code}; time.sleep(1000)", path=str(base / "alive"))


def abandoned(scene, owner):
    base = planted(scene, scene.runner)
    base.chmod(0o711)
    as_ours(scene, base, scene.runner, base.stat().st_ino)
    for path in (base / "data", base / "run", *(base / "data").iterdir()):
        scene.give(path, owner)
    return base


def test_abandoned_folder_is_removed_and_link_targets_stay(scene):
    base = abandoned(scene, scene.owner)
    for name in ("data/linked", "data/postgresql.conf", "data/deep"):
        (base / name).symlink_to(scene.canary / "runner")
    os.link(scene.canary / "owner" / "precious.txt", base / "data" / "hard")
    victims = [process.poll() for process in scene.processes]
    before = {k: v for k, v in scene.listing().items() if "canary" in k and "owner/p" not in k}
    assert "host=" in scene.run(lasting=False)
    after = {k: v for k, v in scene.listing().items() if "canary" in k and "owner/p" not in k}
    assert before == after
    assert (scene.canary / "owner" / "precious.txt").read_text() == "precious of the owner\n"
    assert [process.poll() for process in scene.processes] == victims
    assert not base.exists()


def test_abandoned_folder_keeps_files_of_other_users(scene):
    base = abandoned(scene, scene.owner)
    foreign = scene.put(base / "data" / "kept", owner=scene.other)
    scene.put(foreign / "precious.txt", "", owner=scene.other)
    if scene.owner != scene.runner or not os.geteuid():
        assert "host=" in scene.run(lasting=False)
        assert [path.name for path in base.rglob("*.txt")][-1:] == ["precious.txt"]
    assert "host=" in scene.run(lasting=False)


def test_folder_that_was_abandoned_while_it_was_made_is_removed(scene):
    base = scene.put(scene.memory / NAME, mode=0o700)
    os.mkfifo(base / "alive", 0o600)
    scene.give(base / "alive", scene.runner)
    assert "host=" in scene.run(lasting=False)
    assert base.exists()
    assert "host=" in scene.run(lasting=False, later=601)
    assert not base.exists()


# The places themselves.


@layout
def a_temporary_folder_that_all_may_change(scene):
    for place in (scene.temporary, scene.memory):
        place.chmod(0o777)


@layout
def a_temporary_folder_of_another_user(scene):
    for place in (scene.temporary, scene.memory):
        scene.give(place, scene.other)


# Caches.


def own_cache(scene):
    """Give the scene a cache of its own, with the template."""
    shared = scene.cache
    scene.cache = scene.path / "cache"
    scene.cache.rmdir()
    subprocess.run(["cp", "-Rp", shared, scene.cache], check=True)
    (template,) = scene.cache.iterdir()
    return template


def is_not_used(scene):
    """Damage the template, so that no server starts with it."""
    template = own_cache(scene)
    (template / "postgresql.conf").write_text("planted = on\n")
    return template


def fallback(scene):
    return scene.temporary / f"pgbraid-cache-{scene.runner[0]}"


@layout
def a_cache_of_another_user(scene):
    is_not_used(scene)
    scene.give(scene.cache, scene.other)
    scene.made |= {fallback(scene)}


@layout
def a_cache_that_all_may_write(scene):
    is_not_used(scene)
    scene.cache.chmod(0o777)
    scene.made |= {fallback(scene)}


@layout
def a_cache_in_a_folder_of_another_user(scene):
    is_not_used(scene)
    above = scene.put(scene.path / "home", owner=scene.other)
    scene.cache = scene.cache.rename(above / "cache")
    scene.made |= {fallback(scene)}


@layout
def a_cache_that_is_a_link_to_another_users(scene):
    is_not_used(scene)
    scene.cache.rename(scene.path / "theirs")
    scene.give(scene.path / "theirs", scene.other)
    scene.cache.symlink_to(scene.path / "theirs")
    scene.made |= {fallback(scene)}


@layout
def a_cache_that_would_be_made_in_another_users_folder(scene):
    scene.cache = scene.put(scene.path / "home", owner=scene.other, mode=0o777) / "cache"
    scene.made |= {fallback(scene)}


@layout
def a_template_of_another_user(scene):
    scene.give(is_not_used(scene), scene.other)


@layout
def a_template_that_is_a_link(scene):
    template = is_not_used(scene)
    template.rename(scene.path / "theirs")
    scene.give(scene.path / "theirs", scene.other)
    template.symlink_to(scene.path / "theirs")


@layout
def a_template_without_its_files(scene):
    template = own_cache(scene)
    shutil.rmtree(template)
    scene.put(template)


@layout
def no_cache_at_all(scene):
    """Another user owns the fallback cache below the temporary folder, too."""
    scene.put(fallback(scene), owner=scene.other)
    scene.cache = scene.put(scene.path / "home", owner=scene.other) / "cache"


@layout
def a_file_in_the_place_of_the_cache(scene):
    scene.put(fallback(scene), "precious")
    scene.cache = scene.put(scene.path / "home", owner=scene.other) / "cache"


@layout
def a_link_in_the_place_of_the_cache(scene):
    scene.put(scene.path / "theirs", owner=scene.other)
    fallback(scene).symlink_to(scene.path / "theirs")
    scene.cache = scene.put(scene.path / "home", owner=scene.other) / "cache"


def test_template_that_root_keeps_for_all_is_used(scene):
    shutil.move(own_cache(scene), scene.path / "shared")
    for path in (scene.path, *(scene.path / "shared").rglob("*"), scene.path / "shared"):
        scene.give(path, (0, 0))
        path.chmod(0o755 if path.is_dir() else 0o644)
    scene.cache = scene.path / "home" / "cache"
    assert "host=" in scene.run(lasting=False)
    assert not any(scene.temporary.glob("*/template-*"))
