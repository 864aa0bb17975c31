"""Prepares the public folders of migrations for `compare_linters`.

Run by hand: ``python -m bench.hazards.prepare_corpus CORPUS OUT``. CORPUS has a folder of each
project with its unchanged files in ``migrations``; OUT must not exist. pgbraid's own importers
rename the files of crates.io (Diesel) and goalert (the format of sql-migrate), and turn goalert's
BEGIN and COMMIT into the transaction of the file. The templates of supabase-auth name the schema;
they are filled in, and the program's own first step, which makes the schema, is the prelude that
pgbraid runs before the first migration. The other folders are copied.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bench.hazards.compare_linters import SETTINGS

CONVERTED = {"crates.io": "diesel", "goalert": "sql-migrate"}
"""The folders that pgbraid reads after a conversion, and the tool that wrote them."""
COPIED = ("openmeter", "hatchet", "supabase-auth")
_NAMESPACE = re.compile(r'\{\{ *index \.Options "Namespace" *\}\}')

_AUTH = 'prelude = "prelude.sql"\nsearch_path = "auth"\n'
"""The program's role has this search_path, and one migration drops an index by its bare name."""


def prepare(corpus: Path, out: Path, pgbraid: str) -> None:
    """Write each folder of the corpus into a new folder, as pgbraid reads it."""
    out.mkdir(parents=True)
    for name, tool in CONVERTED.items():
        source, target = corpus / name / "migrations", out / name
        subprocess.run([pgbraid, "--quiet", "convert", "--from", tool, source, target], check=True)
    for name in COPIED:
        shutil.copytree(corpus / name / "migrations", out / name)
    for path in (out / "supabase-auth").iterdir():
        path.write_text(_NAMESPACE.sub("auth", path.read_text()))
    (out / "supabase-auth" / "prelude.sql").write_text("CREATE SCHEMA auth;\n")
    (out / "supabase-auth" / SETTINGS).write_text(_AUTH)


def main() -> int:
    """Prepare the folders of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pgbraid", default="pgbraid")
    options = parser.parse_args()
    prepare(options.corpus, options.out, options.pgbraid)
    return 0


if __name__ == "__main__":
    sys.exit(main())
