"""Reads the migrations folder as it is at a commit, a branch or a tag of git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pgbraid.errors import ConfigError

__all__ = ["files_at"]


def files_at(folder: str, ref: str) -> dict[str, bytes]:
    """Return the ``.sql`` files that a folder of a git repository has at ``ref``, by name.

    It is empty where the folder is not there yet. Raises ConfigError where there is no git, no
    repository or no such ref.
    """
    git = shutil.which("git")
    if git is None:
        raise ConfigError(
            "--base needs git, which is not installed", hint="Install it, or give --history FILE."
        )
    if ref.startswith("-") or not ref:
        raise ConfigError(
            f"--base {ref!r} is no name of a commit", hint="Give one such as origin/main."
        )
    where = Path(folder)
    top = where if where.is_dir() else Path()
    commit = _run(git, top, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise ConfigError(
            f"git knows no commit {ref!r} here",
            detail="A shallow clone has only the newest one; the folder must be in a repository.",
            hint=f"Fetch it (`git fetch origin`, or fetch-depth: 0 in CI), then run `pgbraid prove "
            f"--base {ref}` again.",
        )
    listed = _run(git, top, "ls-tree", "-z", commit.decode().strip(), "./") or b""
    blobs = {}
    for line in listed.split(b"\0"):
        facts, _, name = line.partition(b"\t")
        parts = facts.split()
        base = name.rpartition(b"/")[2].decode(errors="replace")
        if len(parts) == 3 and parts[1] == b"blob" and base.endswith(".sql"):  # noqa: PLR2004
            blobs[base] = parts[2].decode()
    return _contents(git, top, blobs)


def _contents(git: str, top: Path, blobs: dict[str, str]) -> dict[str, bytes]:
    """Return the contents of these blobs, read by one process."""
    asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
    answer = _run(git, top, "cat-file", "--batch", given=asked) or b""
    found, at = {}, 0
    for name in blobs:
        end = answer.index(b"\n", at)
        size = int(answer[at:end].split()[-1])
        found[name] = answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def _run(git: str, folder: Path, *words: str, given: bytes = b"") -> bytes | None:
    done = subprocess.run(  # noqa: S603 - git, and words of ours
        [git, *words], cwd=folder, input=given, capture_output=True, check=False
    )
    return done.stdout if done.returncode == 0 else None
