"""Workflow commands of GitHub Actions: an annotation for each problem."""

from __future__ import annotations

TYPE_CHECKING = False  # see the package
if TYPE_CHECKING:
    from pgbraid.cli.render.reports.finding import Finding

__all__ = ["annotation", "harmless"]

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def annotation(finding: Finding) -> str:
    """Return the command that annotates the line of a finding."""
    place = {}
    if finding.path is not None:
        place = {"file": finding.shown_path, "line": finding.line, "col": finding.column}
        place["endLine"] = finding.end_line
    command = "error" if finding.is_error else "notice" if finding.is_notice else "warning"
    return _command(command, {**place, "title": _title(finding)}, "\n".join(finding.texts))


def _title(finding: Finding) -> str:
    """Return the code; the name of a rule has the name of the program before it."""
    return f"pgbraid {finding.code}" if "-" in finding.code else finding.code


def harmless(line: str) -> str:
    """Return a line of the log in which GitHub's runner finds no command.

    The runner looks for ``::`` at the start of a line, and for ``##[`` anywhere. A file's text or
    name may have either.
    """
    rest = line.lstrip()
    if rest.startswith("::"):
        line = f"{line[: len(line) - len(rest)]}\\x3a{rest[1:]}"
    return line.replace("##[", "##\\x5b")


def _command(name: str, properties: dict[str, str | int | None], data: str) -> str:
    given = (
        f"{key}={_escaped(str(value), _PROPERTY)}"
        for key, value in properties.items()
        if value is not None
    )
    return f"::{name} {','.join(given)}::{_escaped(data, _DATA)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in text)
