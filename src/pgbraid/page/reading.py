"""Reads all that the report page needs from a database, in one connection; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pgbraid.migrate.planning.preflight import read_plan
from pgbraid.migrate.status import status_of_plan
from pgbraid.postgres.client.open_session import connect
from pgbraid.postgres.ledger.journal_lines import read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgbraid.migrate.planning.preflight import Command
    from pgbraid.model.results import Status
    from pgbraid.postgres.ledger.journal_lines import JournalLine

__all__ = ["PageSource", "read_page_source"]


@dataclass(frozen=True, slots=True)
class PageSource:
    """The state of a database: its versions, and the lines of its journal.

    ``lines`` is None if the journal does not exist or may not be read. ``digits`` are the versions
    as the names of the files have them.
    """

    database: str
    server: str
    status: Status
    lines: tuple[JournalLine, ...] | None
    digits: Mapping[int, str]


def read_page_source(command: Command) -> PageSource:
    """Return the state of a database. Raises the errors of ``status``."""
    request = replace(command.request, with_times=True)
    with connect(command.target, command.ledger, command.options.stop) as session:
        plan = read_plan(session, command.migrations, request)
        lines = read_lines(session)
        info, scrub = session.conn.info, command.target.scrub
        version = info.server_version
        database = scrub(info.dbname)
    # Errors of the server are masked before they are journaled; other programs may write, too.
    cleaned = lines and tuple(
        replace(line, detail={**line.detail, "message": scrub(str(line.detail["message"]))})
        if "message" in line.detail
        else line
        for line in lines
    )
    server = f"{version // 10000}.{version % 10000}"
    status = status_of_plan(command.migrations, plan)
    digits = {migration.version: migration.digits for migration in command.migrations.migrations}
    return PageSource(database, server, status, cleaned, digits)
