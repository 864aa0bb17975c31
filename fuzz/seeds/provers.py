"""Proves a history: on a scratch server directly, or by the whole way, as a role without rights."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from unittest import mock

import psycopg
from psycopg.conninfo import make_conninfo

import pgbraid
from pgbraid.model.errors import PgbraidError
from pgbraid.model.migration import LedgerTable
from pgbraid.model.options import StopToken, ignore_event
from pgbraid.prove.inputs import ProofInput
from pgbraid.prove.order_pair import OrderPair, compare_orders
from pgbraid.prove.prover import build_proof
from pgbraid.prove.replay.replayer import Replayer
from pgbraid.source.loader import load_migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fuzz.seeds.story import Story
    from pgbraid.model.proof import Proof
    from pgbraid.postgres.scratch.databases import ScratchServer

__all__ = ["Direct", "Recorded"]


@dataclass(frozen=True, slots=True)
class Direct:
    """Judges orders on one scratch server, as a superuser."""

    scratch: ScratchServer

    def prove(self, story: Story, *, pair: bool) -> Proof:
        """Return the proof of a history; without ``pair``, no cause is looked for."""
        files = load_migrations(story.files).migrations
        by_version = {migration.version: migration for migration in files}
        order = tuple(by_version[version] for version in story.order)
        replayer = Replayer(self.scratch, LedgerTable(), stop=StopToken())
        orders = OrderPair(order, files)
        comparison = compare_orders(replayer, orders, on_event=ignore_event, pair=pair)
        return build_proof(ProofInput(orders), comparison)


@dataclass(slots=True)
class Recorded:
    """Applies a history to a database as a role, in its order, and proves what is recorded."""

    conninfo: str
    role: str
    owned: bool = True
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def prove(self, story: Story, *, pair: bool) -> Proof | None:
        """Return the proof of a history; None where it cannot be applied in its order."""
        name = f"seeds_recorded_{next(self._numbers)}"
        url = make_conninfo(self.conninfo, dbname=name, user=self.role)
        with psycopg.connect(self.conninfo, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"' + (f" OWNER {self.role}" * self.owned))
            try:
                self._open(admin, name)
                for files in _releases(story):
                    pgbraid.load(files, settings=False).up(url)
                judge = partial(compare_orders, pair=pair)
                with mock.patch("pgbraid.prove.prover.compare_orders", judge):
                    return pgbraid.load(story.files, settings=False).prove(url)
            except pgbraid.MigrationFailed:
                return None
            except PgbraidError as error:
                raise RuntimeError(f"{error} {error.detail} {error.hint}") from error
            finally:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _open(self, admin: psycopg.Connection, name: str) -> None:
        if self.owned:
            return
        admin.execute(f'GRANT ALL ON DATABASE "{name}" TO {self.role}')
        where = make_conninfo(self.conninfo, dbname=name)
        with psycopg.connect(where, autocommit=True) as conn:
            conn.execute(f"GRANT ALL ON SCHEMA public TO {self.role}")


def _releases(story: Story) -> list[dict[str, str]]:
    """Return the files of each deploy: those that were there when the next late one was not."""
    files: dict[str, str] = {}
    found: list[dict[str, str]] = []
    last = 0
    for version in story.order:
        if version < last:
            found.append(dict(files))
        files |= {f"{version:03d}_m.sql": story.texts[version]}
        last = version
    return [*found, files]
