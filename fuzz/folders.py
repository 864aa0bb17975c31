"""Reads the folders of public projects as histories of ours, whatever tool they were written for.

Each is renumbered in its tool's own order; what its tool writes into a file, or reads from it, is
put in or taken out, and a file that must not run in a transaction says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devtools.checkout import ROOT, Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["CORPUS", "FOLDERS", "Folder", "read_folder"]

CORPUS = ROOT.parent / "shared" / "corpus"
"""Public migrations, which are not a part of the checkout."""
_ALONE = "-- pgbraid: no-transaction\n"
_MARKED = re.compile(r"^--\s*\+(?:goose|migrate)\s+(?P<said>[^\r\n]*)", re.MULTILINE)
_TRANSACTION = re.compile(r"^(?:BEGIN|COMMIT);[ \t]*$", re.MULTILINE)
"""What such a file may hold where it runs without its tool's transaction."""
_NAMESPACE = re.compile(r"\{\{\s*index \.Options \"Namespace\"\s*\}\}")
_OUTSIDE = re.compile(r"^run_in_transaction\s*=\s*false", re.MULTILINE)
_AUTH = """-- what the program itself has made before: its schema, and the roles that it grants to
CREATE SCHEMA auth;
DO $$ DECLARE r text; BEGIN
  FOREACH r IN ARRAY ARRAY['postgres', 'anon', 'authenticated', 'service_role'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I', r);
    END IF;
  END LOOP;
END $$;
"""


@dataclass(frozen=True, slots=True)
class Folder:
    """A project's folder: how it is read, and what stands before its first migration."""

    name: str
    texts: Callable[[Path], Iterator[tuple[str, str]]] = field(repr=False)
    stub: str = ""

    @property
    def path(self) -> Path:
        """Where its files are."""
        return CORPUS / self.name / "migrations"


def read_folder(folder: Folder) -> dict[str, str]:
    """Return a folder's files, renumbered from 1, the stub first. Raises Skip."""
    if not folder.path.is_dir():
        raise Skip(f"there is no {folder.name} in the shared corpus")
    texts = [("before", folder.stub)] if folder.stub else []
    texts += folder.texts(folder.path)
    return {
        f"{number:04d}_{re.sub(r'[^a-z0-9]+', '_', name.lower()).strip('_')}.sql": text
        for number, (name, text) in enumerate(texts, 1)
    }


def _plain(path: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(path.glob("*.up.sql")):
        yield file.name.removesuffix(".up.sql"), file.read_text()


def _templated(path: Path) -> Iterator[tuple[str, str]]:
    for name, text in _plain(path):
        yield name, _NAMESPACE.sub("auth", text)


def _marked(path: Path) -> Iterator[tuple[str, str]]:
    """Read files of goose's kind: the part that goes up, which may say that it runs alone."""
    for file in sorted(path.glob("*.sql")):
        text, alone = file.read_text(), False
        for mark in _MARKED.finditer(text):
            words = mark["said"].lower().split()
            alone = alone or words in (["no", "transaction"], ["up", "notransaction"])
            if words[:1] == ["down"]:
                text = text[: mark.start()]
                break
        text = _MARKED.sub("", text)
        text = _ALONE + _TRANSACTION.sub("", text) if alone else text
        yield file.name.removesuffix(".sql"), text


def _by_folders(path: Path) -> Iterator[tuple[str, str]]:
    """Read diesel's folders, whose versions are their digits."""
    for folder in sorted(path.iterdir(), key=lambda p: p.name.partition("_")[0].replace("-", "")):
        if (folder / "up.sql").is_file():
            said = folder / "metadata.toml"
            alone = said.is_file() and _OUTSIDE.search(said.read_text())
            yield folder.name, (_ALONE if alone else "") + (folder / "up.sql").read_text()


FOLDERS = (
    Folder("openmeter", _plain),
    Folder("supabase-auth", _templated, _AUTH),
    Folder("hatchet", _marked),
    Folder("crates.io", _by_folders),
    Folder("goalert", _marked),
)
