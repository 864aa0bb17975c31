"""The work that is measured: the same migrations for everybody, made anew from nothing but N.

Per ten files: six create a table with indexes, a foreign key, comments and rows; two seed a table;
two bring a function, a trigger, a view and a check. About 1.1 kB and six statements a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["File", "migrations", "write_folder", "write_seed"]

_TABLE = """\
-- {n}: a table of the shop
CREATE TABLE item_{n} (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    {reference}
    code        text NOT NULL,
    title       varchar(200) NOT NULL DEFAULT '',
    amount      numeric(12, 2) NOT NULL DEFAULT 0,
    active      boolean NOT NULL DEFAULT true,
    tags        text[] NOT NULL DEFAULT '{{}}',
    details     jsonb,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX item_{n}_code_key ON item_{n} (code);
CREATE INDEX item_{n}_created_at_idx ON item_{n} (created_at) WHERE active;
{alter}COMMENT ON TABLE item_{n} IS 'Items of group {n}; one row an item.';
COMMENT ON COLUMN item_{n}.amount IS 'In the currency of the shop; it''s never negative.';
INSERT INTO item_{n} (code, title, amount) VALUES
{rows};
"""
_SEED = """\
-- {n}: rows
INSERT INTO item_{table} (code, title, amount, tags) VALUES
{rows};
UPDATE item_{table} SET active = false WHERE amount > 900;
"""
_CODE = """\
-- {n}: behaviour
CREATE FUNCTION touch_{n}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.title := trim(NEW.title);
    IF NEW.amount < 0 THEN
        RAISE EXCEPTION 'amount % is negative', NEW.amount;
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER touch_{n} BEFORE INSERT OR UPDATE ON item_{table}
    FOR EACH ROW EXECUTE FUNCTION touch_{n}();
CREATE VIEW active_{n} AS
    SELECT id, code, title, amount, created_at FROM item_{table} WHERE active AND amount > {n};
ALTER TABLE item_{table} ADD CONSTRAINT amount_{n} CHECK (amount > -{n}) NOT VALID;
ALTER TABLE item_{table} VALIDATE CONSTRAINT amount_{n};
COMMENT ON VIEW active_{n} IS 'What can be bought; see touch_{n}().';
"""


@dataclass(frozen=True, slots=True)
class File:
    """One migration: its version, its name and its SQL."""

    version: int
    name: str
    sql: str

    def file_name(self, suffix: str = ".sql") -> str:
        """Return a file name whose order by text is the order by number."""
        return f"{self.version:06d}_{self.name}{suffix}"


def migrations(count: int) -> Iterator[File]:
    """Yield ``count`` migrations, versions 1 to ``count``."""
    table = 0
    for n in range(1, count + 1):
        kind = n % 10
        if kind in {4, 8} and table:
            rows = ",\n".join(_row(n, i, tags=True) for i in range(20))
            yield File(n, f"seed_{n}", _SEED.format(n=n, table=table, rows=rows))
        elif kind in {5, 9} and table:
            yield File(n, f"behaviour_{n}", _CODE.format(n=n, table=table))
        else:
            yield File(n, f"item_{n}", _table(n, table))
            table = n


def _table(n: int, before: int) -> str:
    reference = f"parent_id   bigint REFERENCES item_{before} (id)," if before else ""
    alter = f"ALTER TABLE item_{before} ADD COLUMN next_{n} bigint;\n" if before else ""
    rows = ",\n".join(_row(n, i) for i in range(5))
    return _TABLE.format(n=n, reference=reference, alter=alter, rows=rows)


def _row(n: int, i: int, *, tags: bool = False) -> str:
    labels = f", '{{t{i % 3},u{n % 7}}}'" if tags else ""
    return f"    ('c-{n}-{i}', 'Item {i} of group {n}', {(n * 31 + i * 17) % 1000}.50{labels})"


def write_folder(folder: Path, count: int, *, without: int | None = None) -> None:
    """Write the migrations as plain ``.sql`` files, all but the version left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in migrations(count):
        if file.version != without:
            (folder / file.file_name()).write_text(file.sql)


def write_seed(path: Path, size: int, *, copy: bool = False) -> None:
    """Write one file of about ``size`` bytes that seeds a table, by INSERT or by COPY."""
    columns = "id, code, title, amount, created_at"
    with path.open("w") as out:
        out.write(
            "CREATE TABLE seed (id bigint, code text, title text, amount numeric, "
            "created_at timestamptz);\n"
        )
        if copy:
            out.write(f"COPY seed ({columns}) FROM stdin;\n")
        row = 0
        while out.tell() < size:
            rows = [_seed_row(row + i, copy=copy) for i in range(500)]
            row += 500
            if copy:
                out.write("".join(rows))
            else:
                out.write(f"INSERT INTO seed ({columns}) VALUES\n" + ",\n".join(rows) + ";\n")
        if copy:
            out.write("\\.\n")


def _seed_row(n: int, *, copy: bool) -> str:
    values = (n, f"code-{n:08d}", f"Title of the row {n}, neither short nor long", f"{n % 997}.25")
    if copy:
        return "\t".join(map(str, values)) + "\t2026-01-01 00:00:00+00\n"
    return f"({n}, '{values[1]}', '{values[2]}', {values[3]}, '2026-01-01 00:00:00+00')"
