"""Prints the reports of ``check --format``: findings with paths that the repository has."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pgbraid.cli.render.characters import clean
from pgbraid.cli.render.psql import spelled
from pgbraid.cli.render.reports.finding import Finding
from pgbraid.model.errors import ProblemsFound
from pgbraid.model.migration import Problem

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pgbraid.cli.render.printer import Printer
    from pgbraid.model.errors import PgbraidError

__all__ = [
    "Paths",
    "cleaned",
    "findings_of",
    "print_annotations",
    "print_document",
    "problems_of",
    "shown",
]


@dataclass(frozen=True, slots=True)
class Paths:
    """The folder of migrations, and the root of its git repository, if it is in one."""

    folder: str
    root: Path | None = None

    def relative(self, file: str) -> str:
        """Return the path from the root; a file outside the repository keeps its path.

        The links in the path of the folder are followed, as git does not follow them. A link to a
        single file is not: git has the link itself.
        """
        if self.root is None:
            return file
        folder, name = os.path.split(file)
        parts = [folder, name] if name not in {"", ".", ".."} else [file, ""]
        path = Path(os.path.realpath(parts[0]), parts[1])
        root = Path(os.path.realpath(self.root))
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


def print_annotations(printer: Printer, findings: Iterable[Finding]) -> None:
    """Print an annotation of GitHub for each finding; with ``--quiet`` only for errors."""
    from pgbraid.cli.render.reports.github import annotation

    printer.clear_bar()
    for finding in findings:
        if finding.is_error or not printer.quiet:
            printer.write(sys.stdout, f"{annotation(finding)}\n")


def print_document(printer: Printer, form: str, findings: Sequence[Finding], paths: Paths) -> None:
    """Print the document of a format, ``gitlab`` or ``sarif``, on standard output."""
    if form == "gitlab":
        from pgbraid.cli.render.reports.gitlab import code_quality

        text = code_quality(findings, paths.relative(paths.folder))
    else:
        from pgbraid.cli.render.reports.sarif import sarif_log

        text = sarif_log(findings)
    printer.write(sys.stdout, f"{text}\n")


def problems_of(error: PgbraidError) -> tuple[Problem, ...]:
    """Return the problems of an error; an error without problems is one, its class is the code."""
    if isinstance(error, ProblemsFound):
        return error.problems
    return (Problem(type(error).__name__, error.message, error.detail, error.hint),)


def findings_of(problems: Iterable[Problem], paths: Paths) -> tuple[Finding, ...]:
    """Return the findings of a report, in the order of the problems."""
    seen: Counter[str] = Counter()
    return tuple(_finding(problem, paths, seen) for problem in problems)


def cleaned(text: str) -> str:
    """Return a message of the library for the command line, its lines cleaned."""
    return "\n".join(map(clean, spelled(text).splitlines()))


def _finding(problem: Problem, paths: Paths, seen: Counter[str]) -> Finding:
    place = problem.location
    path = None if place is None else paths.relative(place.file)
    path = None if path in {"", "."} else path
    return Finding(
        problem.code,
        problem.severity == "error",
        cleaned(problem.message),
        cleaned(problem.detail) if problem.detail else None,
        cleaned(problem.hint) if problem.hint else None,
        path,
        shown(path),
        place.line if place else None,
        place.column if place else None,
        _fingerprint(problem, path, seen),
    )


def _fingerprint(problem: Problem, path: str | None, seen: Counter[str]) -> str:
    """Return a digest of code, file and versions, and of the number of equal ones before.

    Lines move, and messages list versions that the base receives, so neither is a part of it.
    """
    versions = ",".join(map(str, problem.versions))
    key = "\0".join((problem.code, path or "", versions))  # NUL is in no path
    seen[key] += 1
    data = f"{key}\0{seen[key]}".encode(errors="surrogateescape")
    return hashlib.sha256(data).hexdigest()


def shown(path: str | None) -> str | None:
    """Return a path with its control characters escaped, except for line ends."""
    if path is None:
        return None
    parts = re.split(r"([\r\n])", path)
    text = "".join(part if part in {"\r", "\n"} else clean(part) for part in parts)
    return re.sub(r"[\u2028\u2029]", lambda match: f"\\x{ord(match[0]):04x}", text)
