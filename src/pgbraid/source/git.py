"""Reads the migrations folder as of a git commit, branch or tag."""

from __future__ import annotations

import os
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

__all__ = [
    "GitFolder",
    "default_base",
    "files_at_commit",
    "merge_base",
    "merge_bases",
    "parallel_work",
    "repository_root",
    "uncommitted",
    "unmerged_files",
]

_FACTS = 3
"""Fields of a file in the output of git ls-tree: mode, type, object name."""
_LINK = "120000"
"""The mode of a symbolic link."""
_LONGEST_CHAIN = 10


@dataclass(frozen=True, slots=True)
class GitFolder:
    """The ``.sql`` files of a folder at a commit, by name.

    ``elsewhere`` is the folder of these files at the commit, if it is another one; ``path`` is its
    path for a command in the working directory.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    elsewhere: str | None = None
    path: str | None = None


def files_at_commit(folder: str, ref: str) -> GitFolder:
    """Return the files that a folder of a git repository has at ``ref``.

    If the folder does not exist at ``ref`` but its files do in another folder, return those. Raises
    ConfigError if git, the folder, the repository or the ref is missing, for a link out of the
    folder, and if a sparse checkout excludes files of the folder.
    """
    git, where = _repository(folder)
    _refuse_sparse(git, where)
    commit = _commit(git, where, ref)
    prefix = _git_or_raise(git, where, "rev-parse", "--show-prefix").decode().strip().rstrip("/")
    files = _Tree(git, where, commit).files(prefix)
    if files:
        return GitFolder(files)
    moved = _moved_from(git, where, commit)
    if moved is None:
        return GitFolder()
    path = _root(git, where) / moved
    path = Path(os.path.relpath(path)) if Path.cwd().is_relative_to(_root(git, where)) else path
    return GitFolder(_Tree(git, where, commit).files(moved), moved or ".", str(path))


def repository_root(folder: str) -> Path | None:
    """Return the root of the work tree that a folder is in; None without git or a repository."""
    git, where = shutil.which("git"), Path(folder)
    if git is None or not where.is_dir():
        return None
    inside = _run(git, where, "rev-parse", "--is-inside-work-tree")
    return _root(git, where) if inside == b"true\n" else None


def uncommitted(folder: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return those files of a folder that git could not restore as they are now.

    Without git or a repository, return none.
    """
    git, where = shutil.which("git"), Path(folder)
    if git is None or repository_root(folder) is None:
        return ()
    words = ("status", "--porcelain", "-z", "--untracked-files=all", "--ignored", "--no-renames")
    # The file names may be many and long, so git reports on the whole folder.
    listed = _run(git, where, *words, "--", ".") or b""
    changed = {os.fsdecode(entry[3:]) for entry in listed.split(b"\0") if entry}
    prefix = _git_or_raise(git, where, "rev-parse", "--show-prefix").decode().strip()
    return tuple(name for name in names if f"{prefix}{name}" in changed)


def _root(git: str, where: Path) -> Path:
    shown = _git_or_raise(git, where, "rev-parse", "--show-toplevel")
    return Path(os.fsdecode(shown.removesuffix(b"\n")))


def _refuse_sparse(git: str, where: Path) -> None:
    """Raise ConfigError if migrations are not checked out: they would look like deleted files."""
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
            f"{missing[-1]}{more}: part of this branch, but excluded by a sparse checkout",
            hint="Run `git sparse-checkout add` with the folder, or `git sparse-checkout disable`; "
            "then run the command again.",
        )


def merge_base(folder: str, ref: str) -> str:
    """Return a newest common commit of HEAD and ``ref``.

    Raises ConfigError if there is none, as in a shallow clone.
    """
    return merge_bases(folder, ref)[0]


def merge_bases(folder: str, ref: str) -> list[str]:
    """Return the newest common commits of HEAD and ``ref``: several after criss-cross merges.

    Raises ConfigError if there is none, as in a shallow clone.
    """
    git, where = _repository(folder)
    _commit(git, where, ref)
    output = _run(git, where, "merge-base", "--all", ref, "HEAD")
    if output is None or not output.strip():
        raise ConfigError(
            f"{ref} and this branch have no common commit in this repository",
            detail="A shallow clone has only the newest commits.",
            hint="Fetch all commits (`git fetch --unshallow`, or fetch-depth: 0 in CI), then run "
            "the command again.",
        )
    return output.decode().split()


def parallel_work(folder: str) -> str | None:
    """Return why other branches may add migrations to a folder: a remote, or other branches.

    Return None if there is neither, and without git, a working tree or a readable repository. Reads
    only the local repository and runs no hook.
    """
    git = shutil.which("git")
    if git is None:
        return None
    where = Path(folder)
    try:
        inside = _run(git, where, "rev-parse", "--is-inside-work-tree")
    except OSError:
        return None  # no folder, or a program that cannot be started
    if inside is None or inside.strip() != b"true":
        return None
    remotes = (_run(git, where, "remote") or b"").decode(errors="replace").split()
    if remotes:
        return f"the repository has the remote {remotes[0]}"
    listed = _run(git, where, "for-each-ref", "--format=%(refname)", "refs/heads") or b""
    branches = len(listed.split())
    return f"the repository has {branches} branches" if branches > 1 else None


def default_base(folder: str) -> str:
    """Return the branch that this branch will join: ``origin/HEAD``, or the upstream.

    An upstream with the name of this branch is its own copy, so it does not count. Raises
    ConfigError if neither is known or the two differ, or if there is no repository.
    """
    git, where = _repository(folder)
    names = [_text(_run(git, where, "rev-parse", "--abbrev-ref", "origin/HEAD"))]
    head = _text(_run(git, where, "symbolic-ref", "--quiet", "HEAD"))
    if head:
        fields = "--format=%(upstream:remoteref)%00%(upstream:short)"
        merges, _, upstream = _text(_run(git, where, "for-each-ref", fields, head)).partition("\0")
        names.append(upstream if merges != head else "")
    bases = list(dict.fromkeys(name for name in names if name and name != "origin/HEAD"))
    if len(bases) == 1:
        return bases[0]
    raise ConfigError(
        f"this branch may join {' or '.join(bases)}"
        if bases
        else "the base of this branch is unknown",
        detail=None
        if bases
        else "origin/HEAD is not set, and no upstream names the branch that this one joins.",
        hint="Name it with `base`, as in `pgbraid renumber --base origin/main`.",
    )


def unmerged_files(folder: str) -> list[str]:
    """Return the files of a folder that have an unresolved merge conflict.

    Raises ConfigError if git, the folder or the repository is missing.
    """
    git, where = _repository(folder)
    listed = _git_or_raise(git, where, "ls-files", "--unmerged", "-z", "--", ".")
    entries = (entry.partition(b"\t")[2] for entry in listed.split(b"\0"))
    return sorted({name.decode(errors="replace") for name in entries if name})


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace").strip()


def _commit(git: str, where: Path, ref: str) -> str:
    # git would read a name that begins with a hyphen as an option.
    if ref.startswith("-") or not ref:
        hint = "Give a name such as origin/main."
        raise ConfigError(f"{ref!r} is not the name of a commit", hint=hint)
    commit = _run(git, where, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit is None:
        raise ConfigError(
            f"commit {ref!r} does not exist in this repository",
            detail="A shallow clone has only the newest commit.",
            hint="Fetch it (`git fetch origin`, or fetch-depth: 0 in CI), then run the command "
            "again.",
        )
    return commit.decode().strip()


class _Tree:
    """The files of one commit."""

    def __init__(self, git: str, where: Path, commit: str) -> None:
        self._git, self._where, self._commit = git, where, commit

    def files(self, folder: str) -> dict[str, bytes]:
        """Return the ``.sql`` files of a folder by name; links inside the folder are followed."""
        listed = self._listed(folder)
        blobs = {name: blob for name, (mode, blob) in listed.items() if mode != _LINK}
        links = {name: blob for name, (mode, blob) in listed.items() if mode == _LINK}
        files = self.contents(blobs)
        for name, target in self.contents(links).items():
            files[name] = self._followed(folder, name, target)
        return files

    def _listed(self, folder: str) -> dict[str, tuple[str, str]]:
        """Return mode and object name of each ``.sql`` file of a folder, by file name."""
        place = f"{self._commit}:{folder}"
        listed = _run(self._git, self._where, "ls-tree", "-z", "--full-tree", place)
        entries = {}
        for line in (listed or b"").split(b"\0"):
            facts, _, name = line.partition(b"\t")
            parts = facts.split()
            if len(parts) == _FACTS and parts[1] == b"blob" and name.endswith(b".sql"):
                entries[name.decode(errors="replace")] = parts[0].decode(), parts[2].decode()
        return entries

    def _followed(self, folder: str, name: str, target: bytes) -> bytes:
        """Return the content of a link's target. Raises ConfigError if it is not in the folder."""
        path = posixpath.normpath(posixpath.join(folder, target.decode(errors="replace")))
        for _ in range(_LONGEST_CHAIN):
            inside = posixpath.relpath(path, folder or ".")
            if posixpath.isabs(path) or inside.startswith(".."):
                raise ConfigError(
                    f"in commit {self._commit[:12]}, {name} is a link out of the folder",
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
            f"in commit {self._commit[:12]}, {name} is a link to {path}, which is not a file there",
            hint="Commit the target of the link, or remove the link.",
        )

    def contents(self, blobs: dict[str, str]) -> dict[str, bytes]:
        """Return the contents of blobs by file name, read with one git process."""
        request = "".join(f"{blob}\n" for blob in blobs.values()).encode()
        output = (
            _git_or_raise(self._git, self._where, "cat-file", "--batch", given=request)
            if blobs
            else b""
        )
        contents, at = {}, 0
        for name in blobs:
            # Each entry is a line "object type size", the content, and a newline.
            end = output.index(b"\n", at)
            size = int(output[at:end].split()[-1])
            contents[name] = output[end + 1 : end + 1 + size]
            at = end + 1 + size + 1
        return contents


def _moved_from(git: str, where: Path, commit: str) -> str | None:
    """Return the folder from which this folder was moved since a commit, or None.

    It had at least half of its files here, by content or by name, and does not exist any more. A
    copy of one file does not make a new folder a moved one.
    """
    files = sorted(path for path in where.glob("*.sql") if path.is_file())
    blobs, names = set(_objects(git, where, files)), {path.name for path in files}
    listed = _run(git, where, "ls-tree", "-r", "-z", "--full-tree", commit) or b""
    root = _root(git, where)
    here: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in listed.split(b"\0"):
        facts, _, name = line.partition(b"\t")
        parts = facts.split()
        if len(parts) == _FACTS and name.endswith(b".sql"):
            folder, _, file = name.decode(errors="replace").rpartition("/")
            total[folder] += 1
            here[folder] += parts[2].decode() in blobs or file in names
    for folder, count in here.most_common():
        is_gone = not any((root / folder).glob("*.sql"))
        if is_gone and 2 * count >= total[folder] and count:
            return folder
    return None


def _objects(git: str, where: Path, files: Iterable[Path]) -> list[str]:
    """Return the git object names of the contents of files."""
    paths = "".join(f"{path.resolve()}\n" for path in files).encode()
    if not paths:
        return []
    return _git_or_raise(git, where, "hash-object", "--stdin-paths", given=paths).decode().split()


def _repository(folder: str) -> tuple[str, Path]:
    """Return the git program and the folder. Raises ConfigError if it is not in a repository."""
    git = shutil.which("git")
    if git is None:
        raise ConfigError(
            "`base` needs git, which is not installed",
            hint="Install it. `pgbraid prove` can take a history instead.",
        )
    where = Path(folder)
    if not where.is_dir():
        raise ConfigError(f"{folder!r} is not a folder", hint="Name the folder with `dir`.")
    done = _git(git, where, "rev-parse", "--git-dir")
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(
            f"{folder!r} is not in a repository that git can read",
            detail=lines[0] if lines else None,
            hint="Name the folder with `dir`. `pgbraid prove` can take a history instead.",
        )
    return git, where


def _run(git: str, folder: Path, *words: str) -> bytes | None:
    """Return the output of git, or None if git fails."""
    done = _git(git, folder, *words)
    return done.stdout if done.returncode == 0 else None


def _git_or_raise(git: str, folder: Path, *words: str, given: bytes = b"") -> bytes:
    done = _git(git, folder, *words, given=given)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ConfigError(f"git {words[0]} failed: {lines[0] if lines else 'no error message'}")
    return done.stdout


def _git(
    git: str, folder: Path, *words: str, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - git with fixed arguments, no shell
        [git, *words],
        cwd=folder,
        env=git_environment(),
        input=given,
        capture_output=True,
        check=False,
    )
