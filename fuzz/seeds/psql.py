"""Builds databases with plain psql and reads them with psql and pg_dump; no code of pgbraid's."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["Built", "Link", "Psql", "Table"]

_NOISE = re.compile(r"--|\\(?:un)?restrict|SET |SELECT pg_catalog\.set_config|$")
_SETTINGS = (
    "SET search_path = pg_catalog; SET timezone = 'UTC'; SET datestyle = 'ISO, MDY';"
    " SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex';\n"
)
_TABLES = """
SELECT json_build_object('tables', json_agg(json_build_object(
  'name', format('%I.%I', n.nspname, c.relname), 'kind', c.relkind,
  'root', (SELECT format('%I.%I', rn.nspname, rc.relname) FROM pg_class rc JOIN pg_namespace rn
     ON rn.oid = rc.relnamespace WHERE rc.oid = pg_partition_root(c.oid)),
  'columns', (SELECT json_agg(json_build_object('name', a.attname, 'type', t.typname,
      'generates', a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval(%',
      'default', pg_get_expr(d.adbin, d.adrelid), 'stored', a.attgenerated <> '')
      ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'unique', (SELECT json_agg(a.attname) FROM pg_index x JOIN pg_attribute a
      ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
    WHERE x.indrelid = c.oid AND x.indisunique AND x.indnkeyatts = 1),
  'links', (SELECT json_agg(json_build_object('columns', (SELECT json_agg(a.attname ORDER BY k.i)
        FROM unnest(f.conkey) WITH ORDINALITY k (n, i)
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.n),
      'target', (SELECT format('%I.%I', tn.nspname, tc.relname) FROM pg_class tc
        JOIN pg_namespace tn ON tn.oid = tc.relnamespace WHERE tc.oid = f.confrelid),
      'referred', (SELECT json_agg(a.attname ORDER BY k.i)
        FROM unnest(f.confkey) WITH ORDINALITY k (n, i)
        JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.n)))
    FROM pg_constraint f WHERE f.conrelid = c.oid AND f.contype = 'f'
      AND (f.conparentid = 0 OR NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = f.conparentid
           AND p.conrelid = f.conrelid))))))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'p') AND c.relispopulated
  AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_ROWS = """
SELECT format('SELECT json_build_object(''rows of'', %L, ''rows'', coalesce((SELECT'
  ' json_agg(json_build_array(%s)) FROM %s%s), ''[]''))', name, columns,
  CASE WHEN relkind = 'p' THEN '' ELSE 'ONLY ' END, name)
FROM (SELECT c.relkind, format('%I.%I', n.nspname, c.relname) AS name,
        (SELECT string_agg(format('%I::text', a.attname), ', ' ORDER BY a.attnum)
           FROM pg_attribute a
          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm') AND c.relispopulated
        AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema') q \\gexec
"""
_SEQUENCES = """
SELECT format('SELECT json_build_object(''sequence'', %L, ''next'', last_value + CASE WHEN'
  ' is_called THEN %s ELSE 0 END, ''step'', %s::int) FROM %s', name, seqincrement, seqincrement,
  name) FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid >= 16384) q \\gexec
SELECT json_build_object('draws', json_agg(DISTINCT jsonb_build_array(t, a, s))) FROM (
  SELECT format('%I.%I', tn.nspname, tc.relname) AS t, a.attname AS a,
    (SELECT format('%I.%I', sn.nspname, sc.relname) FROM pg_class sc JOIN pg_namespace sn
       ON sn.oid = sc.relnamespace WHERE sc.oid = sub.seq) AS s
  FROM (SELECT d.adrelid AS rel, d.adnum AS num, u.refobjid AS seq FROM pg_depend u
          JOIN pg_attrdef d ON d.oid = u.objid JOIN pg_sequence q ON q.seqrelid = u.refobjid
         WHERE u.classid = 'pg_attrdef'::regclass
        UNION SELECT u.refobjid, u.refobjsubid, u.objid FROM pg_depend u
          JOIN pg_sequence q ON q.seqrelid = u.objid
         WHERE u.refclassid = 'pg_class'::regclass AND u.deptype = 'i') sub
  JOIN pg_class tc ON tc.oid = sub.rel JOIN pg_namespace tn ON tn.oid = tc.relnamespace
  JOIN pg_attribute a ON a.attrelid = sub.rel AND a.attnum = sub.num) r;
"""


@dataclass(frozen=True, slots=True)
class Link:
    """Columns that refer to a row of another table by its columns."""

    columns: tuple[str, ...]
    target: str
    referred: tuple[str, ...]


@dataclass(slots=True)
class Table:
    """A table's columns, by name, and its rows as texts."""

    name: str
    root: str
    """The partitioned table that it is a part of, else itself."""
    columns: tuple[str, ...]
    facts: dict[str, dict[str, Any]]
    unique: frozenset[str]
    links: tuple[Link, ...]
    rows: list[dict[str, str | None]] = field(default_factory=list)


@dataclass(slots=True)
class Built:
    """A database that psql has filled, or the error that it met."""

    failure: str = ""
    failed: int = 0
    """Which of the migrations failed, counted from 0."""
    schema: Counter[str] = field(default_factory=Counter)
    tables: dict[str, Table] = field(default_factory=dict)
    sequences: dict[str, tuple[int, int]] = field(default_factory=dict)
    """The next value of each, and its step."""
    draws: set[tuple[str, str, str]] = field(default_factory=set)


@dataclass(slots=True)
class Psql:
    """A server, and the programs to fill and to dump its databases."""

    conninfo: str
    programs: Path
    role: str | None = None
    owned: bool = True
    """Whether the role owns the database, and not only the right to create in it."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def build(self, texts: Iterable[str], *, dump: bool = True) -> Built:
        """Run migrations in a new database, each in a transaction, and read what came of them.

        Without ``dump`` only the rows are read.
        """
        name = f"seeds_oracle_{next(self._numbers)}"
        owner = f" OWNER {self.role}" if self.role and self.owned else ""
        extra = ""
        if self.role and not self.owned:
            extra = (
                f"GRANT ALL ON DATABASE {name} TO {self.role};\n\\c {name}\n"
                f"GRANT ALL ON SCHEMA public TO {self.role};"
            )
        self.run(f"CREATE DATABASE {name}{owner};\n{extra}")
        try:
            script = "".join(
                f"\\echo @{number}\nBEGIN;\n{text}\n;COMMIT;\nDISCARD ALL;\n"
                for number, text in enumerate(texts)
            )
            ran = self._psql(script, name, self.role)
            if ran.returncode:
                said = [line for line in ran.stderr.splitlines() if "ERROR" in line]
                begun = re.findall(r"^@(\d+)$", ran.stdout, re.MULTILINE)
                failed = int((begun or ["0"])[-1])
                return Built((said or ran.stderr.splitlines() or ["?"])[0], failed)
            return self._read(name, dump=dump)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE);")

    def _read(self, name: str, *, dump: bool) -> Built:
        built = Built(schema=self._schema(name) if dump else Counter())
        answer = self.run(f"{_SETTINGS}{_TABLES};\n{_ROWS}\n{_SEQUENCES}", name)
        for line in answer.splitlines():
            found = json.loads(line)
            for facts in found.get("tables") or ():
                table = _table(facts)
                built.tables[table.name] = table
            if "rows of" in found:
                table = built.tables[found["rows of"]]
                table.rows = [dict(zip(table.columns, row, strict=True)) for row in found["rows"]]
            if "sequence" in found:
                built.sequences[found["sequence"]] = (found["next"], found["step"])
            built.draws |= {tuple(draw) for draw in found.get("draws") or ()}
        return built

    def _schema(self, name: str) -> Counter[str]:
        words = [str(self.programs / "pg_dump"), "--schema-only", "-d", self._where(name)]
        text = subprocess.run(words, check=True, capture_output=True, encoding="utf-8").stdout
        kept = "\n".join(line for line in text.splitlines() if not _NOISE.match(line))
        # The last statement has no line end: its semicolon would make another order a difference.
        return Counter(part.strip() for part in f"{kept}\n".split(";\n") if part.strip())

    def _where(self, name: str | None, role: str | None = None) -> str:
        extra = f" dbname={name}" if name else ""
        kept = " ".join(w for w in self.conninfo.split() if not w.startswith("dbname="))
        if role:
            kept = " ".join(w for w in kept.split() if not w.startswith("user="))
            extra += f" user={role}"
        return kept + (extra or " dbname=postgres")

    def _psql(
        self, script: str, name: str | None, role: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        words = [str(self.programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"]
        words += ["-d", self._where(name, role), "-f", "-"]
        return subprocess.run(
            words, input=script, capture_output=True, encoding="utf-8", check=False
        )

    def run(self, script: str, name: str | None = None) -> str:
        """Run a script as the superuser and return what it printed."""
        ran = self._psql(script, name)
        if ran.returncode:
            raise RuntimeError(ran.stderr)
        return ran.stdout


def _table(facts: dict[str, Any]) -> Table:
    columns = {column["name"]: column for column in facts["columns"] or ()}
    return Table(
        facts["name"],
        facts["root"] or facts["name"],
        tuple(columns),
        columns,
        frozenset(facts["unique"] or ()),
        tuple(
            Link(tuple(link["columns"]), link["target"], tuple(link["referred"]))
            for link in facts["links"] or ()
        ),
    )
