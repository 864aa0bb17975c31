"""Makes histories that have nothing to do with each other, though they meet in shared things."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fuzz.script import sections_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

__all__ = ["Strand", "interleave"]

_TYPES = ("int", "bigint", "text", "varchar(20)", "numeric(8, 2)", "date", "jsonb", "text[]")
_DEFAULTS = {"int": "7", "bigint": "8", "text": "'x'", "date": "'2020-01-01'", "jsonb": "'{}'"}
_KEYS = ("serial", "int", "bigint GENERATED ALWAYS AS IDENTITY", "bigserial")
_EACH = {
    "column": ("a", "b", "c", "d"),
    "role": ("role_a", "role_b", "role_c", "role_d"),
    "value": ("3", "'x'", "1.5", "'2020-02-02'"),
    "sign": ("<", ">", "=", "~"),
    "token": ("asciiword", "word", "email", "url"),
    "pair": ("(int2, int4)", "(int2, int8)", "(int4, int8)", "(int8, int4)"),
    "table_option": (
        *("fillfactor = 70", "autovacuum_enabled = off", "parallel_workers = 2"),
        "toast.autovacuum_enabled = off",
    ),
    "view_option": (
        *("security_barrier = on", "check_option = local", "check_option = local"),
        "security_barrier = on",
    ),
    "column_option": (
        *("SET (n_distinct = 5)", "SET (n_distinct_inherited = 6)", "SET STATISTICS 50"),
        "SET STORAGE EXTERNAL",
    ),
    "setting": (
        *("work_mem = '1MB'", "enable_seqscan = off", "statement_timeout = '1min'"),
        "search_path = shared",
    ),
    "sequence_option": ("CACHE 3", "CYCLE", "INCREMENT 2", "MAXVALUE 900"),
}
"""What is each strand's own of something shared."""
_EXTENSIONS = ("citext", "hstore", "ltree", "cube")
_WEIGHTS = {
    "_table": 5,
    "_column": 6,
    "hub": 10,
    "option": 5,
    "grant": 6,
    "other": 6,
    "_enum": 2,
    "reference": 1,
}
_COMMENTED = re.compile(r"CREATE (SEQUENCE|DOMAIN|COLLATION|VIEW|PUBLICATION) (\S+)")


class Strand:
    """One history: statements that need those before them, and none of another strand."""

    def __init__(self, rng: Random, number: int, features: frozenset[str]) -> None:
        self.rng, self.number, self.features = rng, number, features
        self.texts = sections_of("strands")
        self.each = {name: values[number] for name, values in _EACH.items()}
        self.own = f"own{number}"
        self.made = 0
        self.columns: dict[str, dict[str, str]] = {}
        self.enums: dict[str, list[str]] = {}
        self.named: list[tuple[str, str]] = []
        self.published: set[str] = set()

    def statements(self, count: int, **weights: int) -> list[str]:
        """Return a history of this many statements; sections may have weights of their own."""
        found = [f"CREATE SCHEMA {self.own}", self._table()]
        extension = _EXTENSIONS[self.number]
        if self.rng.random() < 0.1 and extension in self.features:
            found.append(f"CREATE EXTENSION {extension} SCHEMA {self.own}")
            found.append(f"ALTER TABLE {next(iter(self.columns))} ADD ext {self.own}.{extension}")
        weighed = weights or _WEIGHTS
        while len(found) < count:
            name = self.rng.choices(list(weighed), list(weighed.values()))[0]
            maker: Callable[[], str] | None = getattr(self, name, None)
            found.append(maker() if maker else self._of(name))
        return found

    def _name(self, kind: str) -> str:
        self.made += 1
        return f"s{self.number}_{kind}{self.made}"

    def _place(self) -> str:
        return self.rng.choice(("shared", "public", self.own))

    def _of(self, section: str) -> str:
        text = self.rng.choice(self.texts[section])
        name = self._name(section[0])
        text = text.format(
            **self.each,
            name=name,
            number=self.number,
            own=self.own,
            n=self.made % 19 + 1,
            table=self.rng.choice(list(self.columns)),
            place=self._place(),
            other=self.rng.choice(_EACH["column"]),
            thousands=1000 * (self.number + 1) + self.made,
            strategy=self.made % 5 + 1,
        )
        if made := _COMMENTED.match(text):
            self.named.append((made[1], made[2]))
        return text

    def _table(self) -> str:
        rng, name = self.rng, f"{self._place()}.{self._name('t')}"
        columns = {f"c{i}": rng.choice(_TYPES) for i in range(rng.randint(1, 4))}
        parts = [f"id {rng.choice(_KEYS)} PRIMARY KEY"]
        for column, kind in columns.items():
            default = (
                f" DEFAULT {_DEFAULTS[kind]}" if kind in _DEFAULTS and rng.random() < 0.4 else ""
            )
            parts.append(f"{column} {kind}{default}{rng.choice(('', '', ' NOT NULL'))}")
        if rng.random() < 0.4:
            action = rng.choice(("", " ON DELETE CASCADE", " ON UPDATE SET NULL", " DEFERRABLE"))
            parts.append(f"hub int REFERENCES shared.hub{action}")
        if rng.random() < 0.3:
            parts.append(f"CHECK ({rng.choice(['id > 0', 'id IS NOT NULL'])})")
        if self.enums and rng.random() < 0.5:
            parts.append(f"mood {rng.choice(list(self.enums))}")
        if rng.random() < 0.2:
            parts.append("state shared.state DEFAULT 'new'")
        self.columns[name] = columns
        return f"CREATE TABLE {name} ({', '.join(parts)})"

    def _column(self) -> str:
        table = self.rng.choice(list(self.columns))
        columns = self.columns[table]
        if not columns or self.rng.random() < 0.2:
            column = self._name("x")
            columns[column] = self.rng.choice(_TYPES)
            return f"ALTER TABLE {table} ADD {column} {columns[column]}"
        column = self.rng.choice(list(columns))
        kind = columns[column]
        texts = [
            f"ALTER TABLE {table} ALTER {column} SET DEFAULT {_DEFAULTS.get(kind, 'NULL')}",
            f"ALTER TABLE {table} ALTER {column} SET NOT NULL",
            f"COMMENT ON COLUMN {table}.{column} IS '{self._name('c')}'",
            f"CREATE INDEX ON {table} ({column}) WHERE {column} IS NOT NULL",
            f"CREATE INDEX ON {table} ({column})",
            f"CREATE UNIQUE INDEX ON {table} ({column}, id)",
            f"ALTER TABLE {table} ADD UNIQUE ({column})",
            f"ALTER TABLE {table} ADD CHECK ({column} IS NOT NULL)",
        ]
        choice = self.rng.randrange(len(texts) + 3)
        if choice < len(texts):
            return texts[choice]
        del columns[column]
        if choice == len(texts):
            return f"ALTER TABLE {table} DROP {column} CASCADE"
        if choice == len(texts) + 1 and kind == "int":
            columns[column] = "bigint"
            return f"ALTER TABLE {table} ALTER {column} TYPE bigint"
        new = self._name("r")
        columns[new] = kind
        return f"ALTER TABLE {table} RENAME {column} TO {new}"

    def _enum(self) -> str:
        name = self._name("e")
        if self.named and self.rng.random() < 0.3:
            kind, which = self.rng.choice(self.named)
            return f"COMMENT ON {kind} {which} IS '{name}'"
        if not self.enums or self.rng.random() < 0.3:
            kind = f"{self._place()}.{name}"
            self.enums[kind] = ["one", "two"]
            return f"CREATE TYPE {kind} AS ENUM ('one', 'two')"
        kind = self.rng.choice(list(self.enums))
        at = f"{self.rng.choice(('BEFORE', 'AFTER'))} '{self.rng.choice(self.enums[kind])}'"
        self.enums[kind].append(name)
        return f"ALTER TYPE {kind} ADD VALUE '{name}' {at}"


def interleave(rng: Random, strands: list[list[str]]) -> list[str]:
    """Return statements in an order that keeps that of each strand."""
    turns = [number for number, strand in enumerate(strands) for _ in strand]
    rng.shuffle(turns)
    lists = [iter(strand) for strand in strands]
    return [next(lists[number]) for number in turns]
