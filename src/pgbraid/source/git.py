"""Reads the migrations folder as it is at a commit, a branch or a tag of git."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.model.errors import ConfigError
from pgbraid.settings.environment import git_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["GitFolder", "files_at_commit", "merge_base"]

_FACTS = 3
"""What git ls-tree says of a file: its mode, its kind, its name among objects."""
_LINK = "120000"
"""The mode of a symbolic link."""
_LONGEST_CHAIN = 10


@dataclass(frozen=True, slots=True)
class GitFolder:
    """The ``.sql`` files that a folder of a repository has at a commit, by name.

    ``elsewhere`` is the folder in which the commit has them, where that is another one.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    elsewhere: str | None = None


def files_at_commit(folder: str, ref: str) -> GitFolder:
    """Return the files that a folder of a git repository has at ``ref``.

    Where the folder is not there yet and its files are, in another one, those are returned. Raises
    ConfigError where there is no git, no such folder, no repository or no such ref, for a link out
    of the folder, and where a sparse checkout leaves files of the folder out.
    """
    git, where = _repository(folder)
    _refuse_sparse(git, where)
    commit = _commit(git, where, ref)
    prefix = _git_or_raise(git, where, "rev-parse", "--show-prefix").decode().strip().rstrip("/")
    found = _Tree(git, where, commit).files(prefix)
    if found:
        return GitFolder(found)
    moved = _moved_from(git, where, commit)
    if moved is None:
        return GitFolder()
    return GitFolder(_Tree(git, where, commit).files(moved), moved or ".")


def _refuse_sparse(git: str, where: Path) -> None:
    """Refuse a folder of which files are not checked out: nobody has deleted them."""
    listed = _run(git, where, "ls-files", "-t", "-z", "--", ".") or b""
    entries = (entry.decode(errors="replace").partition(" ") for entry in listed.split(b"\0"))
    missing = [
        name
        for tag, _, name in entries
        if tag == "S" and name.endswith(".sql") and "/" not in name and not (where / name).exists()
    ]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ConfigError(
            f"{missing[-1]}{more}: in this branch, but left out by a sparse checkout",
            hint="Run `git sparse-checkout add` with the folder, or `git sparse-checkout disable`; "
            "then run the command again.",
        )


def merge_base(folder: str, ref: str) -> str:
    """Return the commit at which what is checked out left ``ref``.

    Raises ConfigError where there is none, as in a shallow clone.
    """
    git, where = _repository(folder)
    _commit(git, where, ref)
    found = _run(git, where, "merge-base", ref, "HEAD")
    if found is None or not found.strip():
        raise ConfigError(
            f"git knows no commit that both {ref} and this branch began with",
            detail="A shallow clone has only the newest commits.",
            hint=f"Fetch the others (`git fetch --unshallow`, or fetch-depth: 0 in CI), then run "
            f"`pgbraid prove --base {ref}` again.",
        )
    return found.decode().strip()


def _commit(git: str, where: Path, ref: str) -> str:
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
    return commit.decode().strip()


class _Tree:
    """The files of one commit."""

    def __init__(self, git: str, where: Path, commit: str) -> None:
        self._git, self._where, self._commit = git, where, commit

    def files(self, folder: str) -> dict[str, bytes]:
        """Return the ``.sql`` files that stand in a folder, links to files in it followed."""
        listed = self._listed(folder)
        blobs = {name: blob for name, (mode, blob) in listed.items() if mode != _LINK}
        links = {name: blob for name, (mode, blob) in listed.items() if mode == _LINK}
        found = self.contents(blobs)
        for name, target in self.contents(links).items():
            found[name] = self._followed(folder, name, target)
        return found

    def _listed(self, folder: str) -> dict[str, tuple[str, str]]:
        """Return mode and object of each ``.sql`` file of a folder, by its name."""
        place = f"{self._commit}:{folder}"
        listed = _run(self._git, self._where, "ls-tree", "-z", "--full-tree", place)
        found = {}
        for line in (listed or b"").split(b"\0"):
            facts, _, name = line.partition(b"\t")
            parts = facts.split()
            if len(parts) == _FACTS and parts[1] == b"blob" and name.endswith(b".sql"):
                found[name.decode(errors="replace")] = parts[0].decode(), parts[2].decode()
        return found

    def _followed(self, folder: str, name: str, target: bytes) -> bytes:
        """Return the content of the file that a link leads to, as far as that is in the folder."""
        path = posixpath.normpath(posixpath.join(folder, target.decode(errors="replace")))
        for _ in range(_LONGEST_CHAIN):
            inside = posixpath.relpath(path, folder or ".")
            if posixpath.isabs(path) or inside.startswith(".."):
                raise ConfigError(
                    f"{name} is a link out of the folder at {self._commit[:12]}",
                    hint="Commit the file itself, or a link to a file in the folder.",
                )
            entry = _run(self._git, self._where, "ls-tree", "-z", "--full-tree", self._commit, path)
            facts = (entry or b"").partition(b"\t")[0].split()
            if len(facts) != _FACTS or facts[1] != b"blob":
                break
            (content,) = self.contents({name: facts[2].decode()}).values()
            if facts[0].decode() != _LINK:
                return content
            there = posixpath.dirname(path)
            path = posixpath.normpath(posixpath.join(there, content.decode(errors="replace")))
        raise ConfigError(
            f"{name} is a link to {path}, which is no file at {self._commit[:12]}",
            hint="Commit the file that it leads to, or take the link away.",
        )

    def contents(self, blobs: dict[str, str]) -> dict[str, bytes]:
        """Return the contents of these blobs, read by one process."""
        asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
        answer = (
            _git_or_raise(self._git, self._where, "cat-file", "--batch", given=asked)
            if blobs
            else b""
        )
        found, at = {}, 0
        for name in blobs:
            end = answer.index(b"\n", at)
            size = int(answer[at:end].split()[-1])
            found[name] = answer[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return found


def _moved_from(git: str, where: Path, commit: str) -> str | None:
    """Return the folder in which a commit has most of the files that stand here, if any."""
    files = sorted(path for path in where.glob("*.sql") if path.is_file())
    own = set(_objects(git, where, files))
    listed = _run(git, where, "ls-tree", "-r", "-z", "--full-tree", commit) or b""
    folders: Counter[str] = Counter()
    for line in listed.split(b"\0"):
        facts, _, name = line.partition(b"\t")
        parts = facts.split()
        if len(parts) == _FACTS and parts[2].decode() in own and name.endswith(b".sql"):
            folders[posixpath.dirname(name.decode(errors="replace"))] += 1
    return folders.most_common(1)[0][0] if folders else None


def _objects(git: str, where: Path, files: Iterable[Path]) -> list[str]:
    """Return the names that git gives to the contents of files."""
    asked = "".join(f"{path.resolve()}\n" for path in files).encode()
    if not asked:
        return []
    return _git_or_raise(git, where, "hash-object", "--stdin-paths", given=asked).decode().split()


def _repository(folder: str) -> tuple[str, Path]:
    """Return git, and the folder, which is in a repository."""
    git = shutil.which("git")
    if git is None:
        raise ConfigError(
            "`base` needs git, which is not installed", hint="Install it, or give a `history`."
        )
    where = Path(folder)
    if not where.is_dir():
        raise ConfigError(f"{folder!r} is no folder", hint="Name the folder with `dir`.")
    done = _git(git, where, "rev-parse", "--git-dir")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(
            f"{folder!r} is in no repository that git can read",
            detail=said[0] if said else None,
            hint="Name the folder with `dir`, or give a `history` in place of `base`.",
        )
    return git, where


def _run(git: str, folder: Path, *words: str) -> bytes | None:
    """Return what git says, or None where it says no."""
    done = _git(git, folder, *words)
    return done.stdout if done.returncode == 0 else None


def _git_or_raise(git: str, folder: Path, *words: str, given: bytes = b"") -> bytes:
    done = _git(git, folder, *words, given=given)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(f"git {words[0]} failed: {said[0] if said else 'no word of why'}")
    return done.stdout


def _git(
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
