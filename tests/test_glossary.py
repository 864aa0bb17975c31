"""One word for one thing, and plain English: in code, tests, messages, help and documents."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pgbraid"
words = runpy.run_path(str(ROOT / "tools" / "words.py"), run_name="words")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CODE = sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.sql")])
TESTS = sorted(path for path in words["files_below"]([ROOT / "tests"]) if path != Path(__file__))
ROOMS = sorted(path for path in SOURCE.iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_code_uses_words_of_glossary(path):
    assert [str(finding) for finding in words["findings"]([path])] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_uses_words_of_glossary(path):
    assert [str(finding) for finding in words["findings"]([path])] == []


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_test_uses_words_of_glossary(path):
    """Only this file may have banned words: its examples."""
    assert [str(finding) for finding in words["findings"]([path])] == []


@pytest.mark.parametrize("path", [*ROOMS, *DOCUMENTS, ROOT / "tests"], ids=lambda path: path.name)
def test_what_and_say_are_rare(path):
    limits, measured = words["RATES"], words["rates"]([path])
    assert {word: rate for word, rate in measured.items() if rate > limits[word]} == {}


@pytest.mark.parametrize(
    ("text", "banned"),
    [
        ('"""Mend the file anew."""', ["Mend", "anew"]),
        ("def f(piece): ...", ["piece"]),
        ("x = 1  # what becomes of it", ["what becomes of"]),
        ("def f():\n    found = 1\n\n\n\n\n    return found", ["found"]),
        ('"""Return the set of versions."""', []),
        ("def f():\n    left = right = 1\n\n\n\n\n    return left + right", []),
    ],
)
def test_old_words_are_found(tmp_path, text, banned):
    (tmp_path / "module.py").write_text(text)
    assert sorted(finding.word for finding in words["findings"]([tmp_path])) == banned


def test_frequent_words_are_measured(tmp_path):
    (tmp_path / "page.md").write_text("what it says is " * 10)
    assert set(words["rates"]([tmp_path]).values()) == {250.0}
