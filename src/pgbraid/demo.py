"""``demo``: deploys one out-of-order migration twice, with a counter and with an applied set."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pgbraid.migrate import status, up
from pgbraid.migrate.planning.preflight import Command
from pgbraid.model.migration import LedgerTable
from pgbraid.postgres.client.conninfo import parse_target
from pgbraid.postgres.scratch.counter_demo import counter_up, create_database, query_error
from pgbraid.postgres.server.embedded import embedded_server
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from pgbraid.model.plan import Report
    from pgbraid.model.results import Status

__all__ = ["Demo", "play"]

_FIRST = {
    "101_create_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL);\n",
    "102_create_orders.sql": "CREATE TABLE orders (id bigint PRIMARY KEY,\n"
    "    user_id bigint NOT NULL REFERENCES users);\n",
    "104_index_orders.sql": "CREATE INDEX orders_user_id_idx ON orders (user_id);\n",
}
_OUT_OF_ORDER = {"103_add_email.sql": "ALTER TABLE users ADD COLUMN email text;\n"}
_QUESTION = "SELECT name, email FROM users"


@dataclass(frozen=True, slots=True)
class Demo:
    """The results of both ways: the counter's applied versions, and the reports of pgbraid."""

    server: str
    out_of_order: str
    question: str
    counter_first: tuple[int, ...]
    counter_then: tuple[int, ...]
    counter_error: str | None
    set_first: Report
    set_then: Report
    set_error: str | None
    status: Status
    """pgbraid's status after the out-of-order file was merged, and before it was deployed."""


def play(*, programs: str | None, cache: Path | None) -> Demo:
    """Deploy 101, 102 and 104, then merge 103 and deploy again, in both ways.

    Everything happens on a temporary server and in a temporary folder. Raises EmbeddedError if no
    server can be started.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pgbraid-demo-") as folder,
        embedded_server(programs=programs, cache=cache) as server,
    ):
        counter = create_database(server.conninfo, "counter")
        braided = create_database(server.conninfo, "braided")
        _merge(folder, _FIRST)
        counter_first, set_first = _deploy(folder, counter, braided)
        _merge(folder, _OUT_OF_ORDER)
        merged = load_migrations(folder)
        waiting = status.read_status(Command(merged, parse_target(braided), LedgerTable()))
        counter_then, set_then = _deploy(folder, counter, braided)
        return Demo(
            server=server.label,
            out_of_order=next(iter(_OUT_OF_ORDER)),
            question=_QUESTION,
            counter_first=counter_first,
            counter_then=counter_then,
            counter_error=query_error(counter, _QUESTION),
            set_first=set_first,
            set_then=set_then,
            set_error=query_error(braided, _QUESTION),
            status=waiting,
        )


def _merge(folder: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(folder, name).write_text(text, encoding="utf-8")


def _deploy(folder: str, counter: str, braided: str) -> tuple[tuple[int, ...], Report]:
    migrations = load_migrations(folder)
    texts = [(m.version, Path(folder, m.file).read_text()) for m in migrations.migrations]
    applied = counter_up(counter, texts)
    return applied, up.apply_pending(Command(migrations, parse_target(braided), LedgerTable()))
