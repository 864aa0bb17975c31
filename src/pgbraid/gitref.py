"""Reads the migrations folder as it is at a commit, a branch or a tag of git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pgbraid.config import git_environment
from pgbraid.errors import ConfigError

__all__ = ["files_at", "fork_of"]

_FACTS = 3
"""What git ls-tree says of a file: its mode, its kind, its name among objects."""


def files_at(folder: str, ref: str) -> dict[str, bytes]:
    """Return the ``.sql`` files that a folder of a git repository has at ``ref``, by name.

    It is empty where the folder is not there yet. Raises ConfigError where there is no git, no
    such folder, no repository or no such ref.
    """
    git, where = _repository(folder)
    if ref.startswith("-") or not ref:
        raise ConfigError(f"{ref!r} is no name of a commit", hint="Give one such as origin/main.")
    commit = _run(git, where, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise ConfigError(
            f"git knows no commit {ref!r} here",
            detail="A shallow clone has only the newest one.",
            hint=f"Fetch it (`git fetch origin`, or fetch-depth: 0 in CI), then run `pgbraid prove "
            f"--base {ref}` again.",
        )
    listed = _must(git, where, "ls-tree", "-z", commit.decode().strip(), "./")
    blobs = {}
    for line in listed.split(b"\0"):
        facts, _, name = line.partition(b"\t")
        parts = facts.split()
        base = name.rpartition(b"/")[2].decode(errors="replace")
        if len(parts) == _FACTS and parts[1] == b"blob" and base.endswith(".sql"):
            blobs[base] = parts[2].decode()
    return _contents(git, where, blobs)


def fork_of(folder: str, ref: str) -> str | None:
    """Return the commit at which what is checked out left ``ref``, if there is one."""
    git, where = _repository(folder)
    found = _run(git, where, "merge-base", ref, "HEAD")
    return found.decode().strip() or None if found else None


def _repository(folder: str) -> tuple[str, Path]:
    """Return git, and the folder, which is in a repository."""
    git = shutil.which("git")
    if git is None:
        raise ConfigError(
            "--base needs git, which is not installed", hint="Install it, or give --history FILE."
        )
    where = Path(folder)
    if not where.is_dir():
        raise ConfigError(f"{folder!r} is no folder", hint="Name the folder with --dir.")
    done = _done(git, where, "rev-parse", "--git-dir")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(
            f"{folder!r} is in no repository that git can read",
            detail=said[0] if said else None,
            hint="Name the folder with --dir, or give --history FILE in place of --base.",
        )
    return git, where


def _contents(git: str, where: Path, blobs: dict[str, str]) -> dict[str, bytes]:
    """Return the contents of these blobs, read by one process."""
    asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
    answer = _must(git, where, "cat-file", "--batch", given=asked)
    found, at = {}, 0
    for name in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[-1])
        found[name] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def _run(git: str, folder: Path, *words: str) -> bytes | None:
    """Return what git says, or None where it says no."""
    done = _done(git, folder, *words)
    return done.stdout if done.returncode == 0 else None


def _must(git: str, folder: Path, *words: str, given: bytes = b"") -> bytes:
    done = _done(git, folder, *words, given=given)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(f"git {words[0]} failed: {said[0] if said else 'no word of why'}")
    return done.stdout


def _done(
    git: str, folder: Path, *words: str, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - git, and words of ours
        [git, *words],
        cwd=folder,
        env=git_environment(),
        input=given,
        capture_output=True,
        check=False,
    )
