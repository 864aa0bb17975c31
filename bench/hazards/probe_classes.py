"""Shows on a server that the reasons of `docs/hazards-compared.md` are true, and prints a table.

Run by hand: ``python -m bench.hazards.probe_classes``. Each statement runs on empty tables and on
filled ones, in a transaction that is rolled back; the best of three rounds counts. Before the end
of the transaction, a second session tries to read and to write the table that was there before.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import errors

from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.settings.environment import cache_dir

_SCHEMA = """
DROP MATERIALIZED VIEW IF EXISTS totals;
DROP TABLE IF EXISTS t, p, parts;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id bigint PRIMARY KEY, parent int NOT NULL, code varchar(3), made timestamp(3),
    seen timestamp, indexed timestamp, note text);
INSERT INTO t SELECT i, i % 1000, 'abc', now(), now(), now(), repeat('x', 100)
    FROM generate_series(1, {rows}) AS i;
CREATE INDEX t_code ON t (code);
CREATE INDEX t_made ON t (made);
CREATE INDEX t_indexed ON t (indexed);
CREATE TABLE parts (id bigint, code text) PARTITION BY HASH (id);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT i, 'abc' FROM generate_series(1, {rows}) AS i;
CREATE INDEX parts_0_code ON parts_0 (code);
CREATE INDEX parts_1_code ON parts_1 (code);
CREATE MATERIALIZED VIEW totals AS SELECT parent, count(*) FROM t GROUP BY parent;
VACUUM ANALYZE;
"""
_ALTER = "ALTER TABLE t ADD COLUMN c int"
_KEY = "ALTER TABLE n ADD FOREIGN KEY (id) REFERENCES t"
_STRENGTH = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement, what the transaction did before it, and the old relation that others use."""

    statement: str
    before: str = ""
    relation: str = "t"
    zone: str = "UTC"


PROBES = (
    Probe("UPDATE t SET c = 1", _ALTER),
    Probe("SELECT count(*) FROM parts", _ALTER),
    Probe("DO $$ BEGIN ALTER TABLE t ADD UNIQUE (parent, id); END $$"),
    Probe("ALTER TABLE t ADD COLUMN c int CHECK (c > 0)"),
    Probe("ALTER TABLE t ADD COLUMN c int UNIQUE"),
    Probe("ALTER TABLE t ADD COLUMN c uuid DEFAULT gen_random_uuid()"),
    Probe("ALTER TABLE t ADD COLUMN c bigserial"),
    Probe(
        "CREATE MATERIALIZED VIEW totals AS SELECT parent, count(*) FROM t GROUP BY parent",
        "DROP MATERIALIZED VIEW totals",
        "totals",
    ),
    Probe(_KEY, f"{_ALTER}; CREATE TABLE n (id bigint); INSERT INTO n SELECT id FROM t"),
    Probe(_KEY, f"{_ALTER}; CREATE TABLE n (id bigint)"),
    Probe("ALTER TABLE t ALTER code TYPE varchar"),
    Probe("ALTER TABLE t ALTER made TYPE timestamp"),
    Probe("ALTER TABLE t ALTER seen TYPE timestamptz"),
    Probe("ALTER TABLE t ALTER seen TYPE timestamptz", zone="America/New_York"),
    Probe("ALTER TABLE t ALTER indexed TYPE timestamptz"),
    Probe("ALTER TABLE t ADD COLUMN c int REFERENCES p"),
    Probe("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES p", _ALTER),
    Probe("CREATE INDEX IF NOT EXISTS t_code ON t (code)"),
    Probe("CREATE INDEX parts_code ON parts (code)", relation="parts"),
    Probe("ALTER TABLE t ALTER parent SET NOT NULL"),
    Probe("CREATE INDEX ON fresh (id)", "CREATE MATERIALIZED VIEW fresh AS SELECT * FROM t"),
    Probe("CREATE TABLE n (id bigint REFERENCES t)", _ALTER),
    Probe("COMMENT ON TABLE t IS 'x'", _ALTER),
    Probe("INSERT INTO t VALUES (0, 0)", _ALTER),
    Probe("UPDATE t SET note = 'x' WHERE id = 5", _ALTER),
    Probe("UPDATE t SET note = 'x'"),
    Probe("DO $$ BEGIN PERFORM count(*) FROM t; END $$", _ALTER),
    Probe("UPDATE t SET note = 'x' WHERE code = 'abc'", _ALTER),
    Probe("ANALYZE t", _ALTER),
)
"""In the order of the classes of the document; a contrast follows the probe that it belongs to."""


def blocked(conninfo: str, relation: str) -> str:
    """Return what a second session cannot do with a relation: reads, writes, both or nothing."""
    tries = {"reads": f"SELECT FROM {relation} LIMIT 1"}
    if relation != "totals":
        tries["writes"] = f"LOCK TABLE {relation} IN ROW EXCLUSIVE MODE"
    waits = []
    for name, text in tries.items():
        with psycopg.connect(conninfo) as other:
            other.execute("SET lock_timeout = '200ms'")
            try:
                other.execute(text)
            except errors.LockNotAvailable:
                other.rollback()
                waits.append(name)
    return " and ".join(waits) or "nothing"


def run(conn: psycopg.Connection, conninfo: str, probe: Probe) -> tuple[float, str, str]:
    """Return the seconds of a statement, the strongest lock and what others cannot do."""
    conn.execute(f"SET TimeZone = '{probe.zone}'")
    (oid,) = conn.execute("SELECT to_regclass(%s)::oid", (probe.relation,)).fetchone() or (None,)
    conn.execute(f"BEGIN; {probe.before}")
    start = time.monotonic()
    conn.execute(probe.statement.encode())
    taken = time.monotonic() - start
    held = conn.execute(
        "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = %s", (oid,)
    ).fetchall()
    lock = max((mode for (mode,) in held), key=_STRENGTH.index, default="none")
    waits = blocked(conninfo, probe.relation)
    conn.execute("ROLLBACK")
    return taken, re.sub(r"\B([A-Z])", r" \1", lock.removesuffix("Lock")).upper(), waits


def main() -> int:
    """Run the probes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--programs", help="the folder of the server programs")
    given = parser.parse_args()
    seen: dict[Probe, list[float]] = {probe: [] for probe in PROBES}
    locks = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_server(
            Path(folder) / "data", programs=given.programs, cache=cache_dir()
        ) as server,
        psycopg.connect(server.conninfo, autocommit=True) as conn,
    ):
        for rows in (0, given.rows):
            for part in _SCHEMA.format(rows=rows).split(";\n"):
                conn.execute(part.encode())
            for probe in PROBES:
                rounds = [run(conn, server.conninfo, probe) for _ in range(3)]
                seen[probe].append(min(taken for taken, _, _ in rounds))
                locks[probe] = rounds[0][1:]
        print(conn.info.parameter_status("server_version"), file=sys.stderr)
    print("| in the transaction before | statement | lock | blocked | empty | filled |")
    print("| --- | --- | --- | --- | --- | --- |")
    for probe, (empty, filled) in seen.items():
        lock, waits = locks[probe]
        zone = "" if probe.zone == "UTC" else f", TimeZone {probe.zone}"
        cells = [f"`{probe.before}`" if probe.before else "", f"`{probe.statement}`{zone}", lock]
        cells += [waits, f"{empty * 1000:.1f} ms", f"{filled * 1000:.1f} ms"]
        print(f"| {' | '.join(cells)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
