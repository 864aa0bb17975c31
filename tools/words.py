"""Finds words that the glossary bans, and names the word to use instead.

``python tools/words.py src/pgbraid docs README.md`` prints one line per finding:
``file:line: word -> the word to use``. Nothing printed and exit code 0 mean that the words are
right. The rules are: one word for one thing, and plain English that is understood at the first
reading (the glossary in ``docs/architecture.md``).
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PHRASES = {
    r"anew": "again",
    r"mend(?:s|ed|ing)?": "fix, change",
    r"to be had": "available",
    r"what (?:becomes?|became|has become|came|comes) of": "the outcome of, whether it committed",
    r"(?:is|are|was|were|be|been|being|not|never) (?:told|asked)": "is reported, is queried",
    r"(?:is|are|was|were|been|being) said": "is reported",
    r"tells? of": "reports",
    r"heed(?:s|ed|ing)?": "observe, follow",
    r"(?<!`)(?:some|no|any|every)body(?:'s)?": "name the actor: another session, the caller",
    r"who(?:m|so)?ever(?:'s)?": "name the actor",
    r"whatever": "any, whether or not",
    r"late(?: (?:one|ones|migrations?|files?|merges?|versions?))": "out of order, gap",
    r"tidy|tidied|tidies|tidying": "clean up, reset",
    r"(?:go|goes|going|gone|went) on(?: with)?": "continue, resume",
    r"taken for(?: granted)?": "treated as, assumed",
    r"half[ -]?(?:done|way)|piecemeal|loners?": "incomplete, nontransactional",
    r"fences?|fenced": "transaction-level advisory lock, xact lock",
    r"whence|wherein|there(?:of|in|by)|hence|lest|albeit|nought|thus|likewise": "plain English",
    r"for ever": "permanently",
    r"come to nothing": "has no effect",
    r"at hand": "available",
    r"(?:in|by) halves": "partly",
    r"(?-i:the set)(?! (?:of|time|session|role)\b)": "the applied set",
    r"the pieces?|piece by piece": "statement, part",
    r"loud|calm|(?<!-)quiet": "changes the session, leaves the session unchanged",
    r"throw-?away": "temporary",
    r"in the way": "blocking, blocked by",
    r"(?:of|by) chance": "random",
    r"our tracker|the tracker (?:row|table) of pgbraid": "ledger",
    r"no such thing": "plain English",
}
"""What no docstring, comment, message and document has, and the word to use."""

IDENTIFIERS = {
    "half": "incomplete",
    "halves": "incomplete",
    "halfway": "incomplete",
    "late": "out_of_order, gap",
    "piece": "statement, part",
    "pieces": "statements, parts",
    "loner": "nontransactional",
    "loners": "nontransactional",
    "fence": "xact_lock",
    "fenced": "xact_lock",
    "tally": "progress",
    "calm": "sequences_reset",
    "loud": "changes_session",
    "tidy": "reset",
    "heal": "clean_up",
    "healed": "cleaned_up",
    "mend": "fix",
    "told": "reported",
    "tell": "report",
    "said": "message, diagnostic",
    "hear": "on_notice",
    "heard": "on_event",
    "hearer": "on_notice",
    "listen": "on_notice (but for LISTEN of PostgreSQL)",
    "wish": "request",
    "survey": "preflight",
    "patience": "lock_retry",
    "somebody": "another session",
    "nobody": "no one",
    "wanted": "expected, required",
}
"""Words that no name of the code has as a part, and the word to use."""

SHORT_LIVED = frozenset({"begun", "found", "kept", "known", "left", "own", "these", "those"})
"""Names that are understood only where they are used in the next few lines."""

LIFETIME = 5
"""How many lines a variable with a name of SHORT_LIVED may live."""

RATES = {
    r"what": 2.0,
    r"said|says?|told|tells?|asks?|asked|asking|telling|saying": 1.5,
}
"""How often a word may stand in 1,000 words: psycopg's docstrings have 0.4 and 0.1 of these."""

_BLOCK = re.MULTILINE | re.DOTALL
_NO_PROSE = re.compile(r"\bnoqa\b|\bpyright:|\btype: ignore|\bpragma:")


@dataclass(frozen=True, slots=True)
class Text:
    """A docstring, comment, string or document, and the line it starts at."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A word that is banned where it stands."""

    path: Path
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.word} -> {self.instead}"


def files_below(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the Python, SQL and Markdown files of folders, and the files that are named."""
    for path in paths:
        if path.is_file():
            yield path
        else:
            found = (p for p in path.rglob("*") if p.suffix in {".py", ".sql", ".md"})
            yield from sorted(found)


def texts_of(path: Path) -> Iterator[Text]:
    """Yield the prose of a file: documents without code blocks, strings and comments of code."""
    content = path.read_text()
    if path.suffix == ".md":
        # Keep the line ends of code blocks, so that findings have the right line.
        blank = re.sub(r"^```.*?^```", lambda m: "\n" * m[0].count("\n"), content, flags=_BLOCK)
        yield Text(1, blank)
    elif path.suffix == ".sql":
        for number, line in enumerate(content.splitlines(), 1):
            if "--" in line:
                yield Text(number, line.partition("--")[2])
    else:
        yield from _texts_of_python(content)


def _texts_of_python(content: str) -> Iterator[Text]:
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT and not _NO_PROSE.search(token.string):
            yield Text(token.start[0], token.string)


def banned_phrases(path: Path) -> Iterator[Finding]:
    """Yield the phrases of a file that are banned."""
    for text in texts_of(path):
        for pattern, instead in PHRASES.items():
            for match in re.finditer(rf"\b(?:{pattern})\b", text.text, re.IGNORECASE):
                line = text.line + text.text.count("\n", 0, match.start())
                yield Finding(path, line, " ".join(match[0].split()), instead)


def banned_identifiers(path: Path) -> Iterator[Finding]:
    """Yield the names that a Python file defines with a banned word as a part of them."""
    for name, line in _defined_names(ast.parse(path.read_text())):
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
        for part in parts:
            if part.lower() in IDENTIFIERS:
                yield Finding(path, line, name, IDENTIFIERS[part.lower()])


def _defined_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name, node.lineno


def long_lived(path: Path) -> Iterator[Finding]:
    """Yield the variables with a name of SHORT_LIVED that live longer than LIFETIME lines."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            lines: dict[str, list[int]] = {}
            stored = {name for name, _ in _defined_names(ast.Module([function], []))}
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and node.id in SHORT_LIVED & stored:
                    lines.setdefault(node.id, []).append(node.lineno)
                elif isinstance(node, ast.arg) and node.arg in SHORT_LIVED:
                    lines.setdefault(node.arg, []).append(node.lineno)
            if "right" in stored:
                lines.pop("left", None)  # the two sides of a comparison
            for name, places in lines.items():
                if max(places) - min(places) >= LIFETIME:
                    yield Finding(path, min(places), name, "the noun of what it holds")


def rates(paths: Iterable[Path]) -> dict[str, float]:
    """Return how often each word of RATES stands in 1,000 words of the files."""
    read = [text.text for path in files_below(paths) for text in texts_of(path)]
    total = sum(len(re.findall(r"[A-Za-z']+", text)) for text in read) or 1
    counts = {
        pattern: sum(len(re.findall(rf"\b(?:{pattern})\b", text, re.IGNORECASE)) for text in read)
        for pattern in RATES
    }
    return {pattern: round(1000 * count / total, 1) for pattern, count in counts.items()}


def findings(paths: Iterable[Path]) -> Iterator[Finding]:
    """Yield everything that is banned in files and folders."""
    for path in files_below(paths):
        yield from banned_phrases(path)
        if path.suffix == ".py":
            yield from banned_identifiers(path)
            yield from long_lived(path)


def main(arguments: list[str]) -> int:
    """Print the findings and the rates; return 1 if a word is banned or too frequent."""
    paths = [Path(argument) for argument in arguments]
    banned = list(findings(paths))
    measured = rates(paths)
    for finding in banned:
        print(finding)
    for pattern, rate in measured.items():
        mark = "  TOO OFTEN" if rate > RATES[pattern] else ""
        print(f"{rate:5} per 1,000 words: {pattern}{mark}")
    return int(bool(banned) or any(measured[pattern] > RATES[pattern] for pattern in RATES))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
