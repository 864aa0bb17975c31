"""One word for one thing, and plain English: in code, messages, help and documents."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pgbraid"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
CODE = sorted([*SOURCE.rglob("*.py"), *SOURCE.rglob("*.sql")])
ROOMS = sorted(path for path in SOURCE.iterdir() if (path / "__init__.py").exists())

words = runpy.run_path(str(ROOT / "tools" / "words.py"), run_name="words")


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(SOURCE)))
def test_code_uses_words_of_glossary(path):
    assert [str(finding) for finding in words["findings"]([path])] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_uses_words_of_glossary(path):
    assert [str(finding) for finding in words["findings"]([path])] == []


@pytest.mark.parametrize("path", [*ROOMS, *DOCUMENTS], ids=lambda path: path.name)
def test_what_and_say_are_rare(path):
    limits, measured = words["RATES"], words["rates"]([path])
    assert {word: rate for word, rate in measured.items() if rate > limits[word]} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""Mend the file anew."""', ["Mend", "anew"]),
        ("def f(piece): ...", ["piece"]),
        ("x = 1  # what becomes of it", ["what becomes of"]),
        ("def f():\n    found = 1\n\n\n\n\n    return found", ["found"]),
        ('"""Return the set of versions."""', []),
        ("def f():\n    left = right = 1\n\n\n\n\n    return left + right", []),
    ],
)
def test_old_words_are_found(tmp_path, text, found):
    (tmp_path / "module.py").write_text(text)
    assert sorted(finding.word for finding in words["findings"]([tmp_path])) == found


def test_frequent_words_are_measured(tmp_path):
    (tmp_path / "page.md").write_text("what it says is " * 10)
    assert set(words["rates"]([tmp_path]).values()) == {250.0}
